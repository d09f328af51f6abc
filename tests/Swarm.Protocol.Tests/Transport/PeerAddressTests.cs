using Swarm.Protocol.Transport;

namespace Swarm.Protocol.Tests.Transport;

public sealed class PeerAddressTests
{
    [Theory]
    [InlineData("127.0.0.1:31330", "127.0.0.1", 31330)]
    [InlineData("[::1]:1", "::1", 1)]
    [InlineData("[fe80::1%eth0]:65535", "fe80::1%eth0", 65535)]
    [InlineData("node-1.example.org:0", "node-1.example.org", 0)]
    public void Parse_Address_PartsAndTextAgree(string text, string host, int port)
    {
        PeerAddress address = PeerAddress.Parse(text);
        Assert.Equal((host, port), (address.Host, address.Port));
        Assert.Equal(text, address.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("host")]
    [InlineData(":80")]
    [InlineData("host:")]
    [InlineData("host:x")]
    [InlineData("host:-1")]
    [InlineData("host: 1")]
    [InlineData("host:65536")]
    [InlineData("host:99999999999999")]
    [InlineData("::1:80")]
    [InlineData("[::1]")]
    [InlineData("[host]:80")]
    [InlineData("[::g]:80")]
    [InlineData("ho st:80")]
    [InlineData("host/path:80")]
    [InlineData("user@host:80")]
    [InlineData("a..b:80")]
    [InlineData(".a:80")]
    [InlineData("a.:80")]
    [InlineData("-a.b:80")]
    public void TryParse_NoAddress_IsRefusedWithWhatWasSeen(string text)
    {
        Assert.False(PeerAddress.TryParse(text, out _, out string? error));
        Assert.Contains("expected", error);
        Assert.Throws<FormatException>(() => PeerAddress.Parse(text));
    }

    [Fact]
    public void TryParse_VeryLongText_IsRefusedShortly()
    {
        Assert.False(PeerAddress.TryParse(new string('a', 100_000) + ":1", out _, out string? error));
        Assert.InRange(error.Length, 1, 200);
    }

    [Theory]
    [InlineData("", 1)]
    [InlineData("a b", 1)]
    public void Constructor_NoHost_Throws(string host, int port) => Assert.Throws<ArgumentException>(() => new PeerAddress(host, port));

    [Theory]
    [InlineData(-1)]
    [InlineData(65536)]
    public void Constructor_PortOutOfRange_Throws(int port) => Assert.Throws<ArgumentOutOfRangeException>(() => new PeerAddress("host", port));
}
