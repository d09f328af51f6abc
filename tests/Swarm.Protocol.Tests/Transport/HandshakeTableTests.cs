using System.Net;
using Swarm.Protocol.Transport;

namespace Swarm.Protocol.Tests.Transport;

public sealed class HandshakeTableTests
{
    private static readonly IPAddress Crowd = IPAddress.Parse("10.0.0.1");
    private static readonly IPAddress Lone = IPAddress.Parse("10.0.0.2");

    [Fact]
    public void Add_OverTheBound_TheOldestOfTheBusiestSourceGoes()
    {
        var table = new HandshakeTable<string>(4);
        table.Add("lone", Lone, out string? victim);
        for (int i = 0; i < 3; i++)
        {
            table.Add("crowd" + i, Crowd, out victim);
            Assert.Null(victim);
        }

        table.Add("crowd3", Crowd, out victim);
        Assert.Equal("crowd0", victim);
        table.Add("another", IPAddress.Parse("10.0.0.3"), out victim);
        Assert.Equal("crowd1", victim);
        Assert.Equal(4, table.Count);
    }

    [Fact]
    public void Remove_EndedOrGivenUp_IsTakenOutOnce()
    {
        var table = new HandshakeTable<string>(1);
        object first = table.Add("first", Crowd, out _);
        object second = table.Add("second", Crowd, out string? victim);
        Assert.Equal("first", victim);
        table.Remove(first);
        Assert.Equal(1, table.Count);
        table.Remove(second);
        table.Remove(second);
        Assert.Equal(0, table.Count);
        table.Add("third", Lone, out victim);
        Assert.Null(victim);
    }

    [Fact]
    public void Add_OneMachinesIpv6Addresses_AreOneSource()
    {
        var table = new HandshakeTable<string>(3);
        table.Add("lone", Lone, out _);
        table.Add("a", IPAddress.Parse("2001:db8::1"), out _);
        table.Add("b", IPAddress.Parse("2001:db8::2"), out _);
        table.Add("mapped", IPAddress.Parse("::ffff:10.0.0.3"), out string? victim);
        Assert.Equal("a", victim);
    }
}
