using System.Net;
using Swarm.Node.Hosting;
using Swarm.Protocol.Transport;

namespace Swarm.Node.Tests;

public sealed class OwnAddressesTests
{
    private static readonly IPAddress[] Interfaces =
        [.. new[] { "fe80::1%2", "2001:db8::7", "127.0.0.1", "192.168.1.5", "::1", "10.0.0.2", "192.168.1.5" }.Select(IPAddress.Parse)];

    [Theory]
    [InlineData(true, "[::]:31330")]
    [InlineData(false, "0.0.0.0:31330")]
    public void Everywhere_IsBothFamiliesWhereThereAreTwo(bool hasIPv6, string expected) => Assert.Equal(expected, OwnAddresses.Everywhere(31330, hasIPv6).ToString());

    [Theory]
    [InlineData("[::]:31330", "192.168.1.5:31330 10.0.0.2:31330 [2001:db8::7]:31330")]
    [InlineData("0.0.0.0:31330", "192.168.1.5:31330 10.0.0.2:31330")]
    [InlineData("127.0.0.1:5", "127.0.0.1:5")]
    [InlineData("[::1]:5", "[::1]:5")]
    [InlineData("node.example.org:5", "node.example.org:5")]
    public void Dialable_Listening_IsWhatOthersCanReach(string listening, string expected) =>
        Assert.Equal(expected, string.Join(' ', OwnAddresses.Dialable(PeerAddress.Parse(listening), () => Interfaces)));

    [Fact]
    public void Dialable_MachineWithoutANetwork_IsTheMachineItself() =>
        Assert.Equal("127.0.0.1:9", string.Join(' ', OwnAddresses.Dialable(PeerAddress.Parse("[::]:9"), () => [IPAddress.Loopback])));

    [Fact]
    public void Dialable_ManyInterfaces_AreBounded() => Assert.Equal(
        7, OwnAddresses.Dialable(PeerAddress.Parse("0.0.0.0:9"), () => Enumerable.Range(1, 50).Select(i => new IPAddress([10, 0, 0, (byte)i]))).Length);
}
