using Swarm.Models;
using Swarm.Node;
using Swarm.Protocol.Directory;
using Swarm.Testing;

namespace Swarm.Client.Tests;

/// <summary>A node that others cannot dial learns it from them, says so, and serves nobody until they can.</summary>
public sealed class ReachingTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task StartAsync_OthersCannotDialIt_SaysWhyAndServesOnceTheyCan()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: false, new BlockSpan(0, 2));
        NodeOptions options = cluster.OptionsFor(new BlockSpan(2, 4));
        HiddenTransport? hidden = null;

        NodeHost node = await cluster.AddAsync(options with { Transport = credentials => hidden = new HiddenTransport(options.Transport(credentials)) })
            .WaitAsync(Patience);

        NodeUnreachable? said = null;
        await cluster.Events[1].WaitAsync(
            seen =>
            {
                said = seen.OfType<NodeUnreachable>().SingleOrDefault();
                return said is not null && !seen.OfType<NodeReady>().Any();
            },
            "word that nobody reaches the node");
        Assert.Contains($"{node.Address} refuses", said!.Reason);
        Assert.Equal(NodeState.Unreachable, node.State);

        await hidden!.ForwardAsync();
        await cluster.Events[1].WaitAsync(seen => seen.OfType<NodeReachable>().Any() && seen.OfType<NodeReady>().Any(), "word that it is reached");

        Assert.Equal(NodeState.Serving, node.State);
        await using SwarmClient swarm = await cluster.ConnectAsync();
        await using LocalModel local = cluster.OpenLocal();
        TestModels.AssertSameBits(await TestModels.LogitsAsync(local), await TestModels.LogitsAsync(swarm));
    }

    [Fact]
    public async Task StartAsync_ChainOfTwo_KnowsTheWayToTheNextHop()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: false, SwarmCluster.Split(4, 2));
        await using SwarmClient swarm = await cluster.ConnectAsync();

        await TestModels.LogitsAsync(swarm);

        NodeEntry first = cluster.Nodes[0].Directory.Find(cluster.Nodes[0].Peer)!;
        Assert.True(first.BlockTime > TimeSpan.Zero);
        LinkMeasurement link = Assert.Single(cluster.Nodes[0].Links);
        Assert.Equal(cluster.Nodes[1].Peer, link.Peer);
        Assert.True(link.RoundTrip > TimeSpan.Zero);
        Assert.Empty(cluster.Nodes[1].Links);
    }
}
