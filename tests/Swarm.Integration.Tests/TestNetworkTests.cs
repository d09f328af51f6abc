using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Swarm.Testing.Networks;

namespace Swarm.Integration.Tests;

/// <summary>The network that other tests run in: that it does to frames what it says.</summary>
public sealed class TestNetworkTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [SkippableFact]
    public async Task Relay_HostsApart_TakesTheDelayEachWay()
    {
        NetworkSupport.SkipUnlessAllowed();
        using TestNetwork network = TestNetwork.Create(2);
        using Socket here = network.Hosts[0].OpenSocket(SocketType.Dgram, ProtocolType.Udp);
        using Socket there = network.Hosts[1].OpenSocket(SocketType.Dgram, ProtocolType.Udp);
        await SendAsync(here, there, 1);
        Assert.Equal(1, await ReceiveAsync(there));
        network.SetAll(new LinkConditions(Delay: TimeSpan.FromMilliseconds(25), Jitter: TimeSpan.FromMilliseconds(5)));
        long start = Stopwatch.GetTimestamp();
        await SendAsync(here, there, 2);
        Assert.Equal(2, await ReceiveAsync(there));
        await SendAsync(there, here, 3);
        Assert.Equal(3, await ReceiveAsync(here));
        Assert.True(Stopwatch.GetElapsedTime(start) >= TimeSpan.FromMilliseconds(50));
    }

    [SkippableFact]
    public async Task Relay_CutOneWay_LosesThatWayOnly()
    {
        NetworkSupport.SkipUnlessAllowed();
        using TestNetwork network = TestNetwork.Create(2);
        using Socket here = network.Hosts[0].OpenSocket(SocketType.Dgram, ProtocolType.Udp);
        using Socket there = network.Hosts[1].OpenSocket(SocketType.Dgram, ProtocolType.Udp);
        await SendAsync(here, there, 1);
        Assert.Equal(1, await ReceiveAsync(there));
        network.Set(network.Hosts[0], network.Hosts[1], new LinkConditions(Loss: 1));
        await SendAsync(here, there, 2);
        await SendAsync(there, here, 3);
        Assert.Equal(3, await ReceiveAsync(here));
        await SendAsync(there, here, 3);

        // Between two answers the relay has read everything that was sent before: 2 is lost.
        Assert.Equal(3, await ReceiveAsync(here));
        network.Set(network.Hosts[0], network.Hosts[1], default);
        await SendAsync(here, there, 4);
        Assert.Equal(4, await ReceiveAsync(there));
    }

    [SkippableFact]
    public void Dispose_Network_LeavesNoNamespace()
    {
        NetworkSupport.SkipUnlessAllowed();
        string name;
        using (TestNetwork network = TestNetwork.Create(2))
        {
            name = network.Hosts[1].Prefix[^1];
            Assert.True(File.Exists("/run/netns/" + name));
        }

        Assert.False(File.Exists("/run/netns/" + name));
    }

    private static async Task SendAsync(Socket from, Socket to, byte what) =>
        await from.SendToAsync(new[] { what }, SocketFlags.None, (IPEndPoint)to.LocalEndPoint!);

    private static async Task<int> ReceiveAsync(Socket socket)
    {
        using CancellationTokenSource patience = new(Patience);
        byte[] buffer = new byte[16];
        SocketReceiveFromResult result = await socket.ReceiveFromAsync(buffer, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0), patience.Token);
        return result.ReceivedBytes == 1 ? buffer[0] : -1;
    }
}
