using Swarm.Models;
using Swarm.Models.Blocks;
using Swarm.Node;
using Swarm.Protocol.Directory;
using Swarm.Testing;

namespace Swarm.Client.Tests;

/// <summary>Nodes that nobody tells which blocks to take agree on them, and go on agreeing when others come and go.</summary>
public sealed class PlacingTests
{
    private const string Model = "random:850KiB:q4_0:7";
    private const int Blocks = 30;
    private const int Room = 10;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Lock _lock = new();
    private readonly SortedDictionary<int, BlockSpan> _served = [];
    private readonly List<(Func<int[], bool> Reached, TaskCompletionSource Source)> _waiting = [];

    [Fact]
    public async Task StartAsync_SixNodesTogether_TwoReplicasOfEveryBlock()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(Model, inMemory: false);
        await cluster.AddAsync(OptionsFor(cluster, 0));
        NodeOptions[] joiners = [.. Enumerable.Range(1, 5).Select(index => OptionsFor(cluster, index))];

        NodeHost[] joined = await Task.WhenAll(joiners.Select(options => NodeHost.StartAsync(options))).WaitAsync(Patience);
        try
        {
            await ReachAsync(replicas => replicas.All(count => count >= 1), "replica of every block");
            await ReachAsync(replicas => replicas.All(count => count == 2), "state of two replicas of every block");

            await using SwarmClient swarm = await cluster.ConnectAsync();
            await using LocalModel local = cluster.OpenLocal();
            TestModels.AssertSameBits(await TestModels.LogitsAsync(local), await TestModels.LogitsAsync(swarm));
            Assert.All(joined, node => Assert.Equal(NodeState.Serving, node.State));
        }
        finally
        {
            foreach (NodeHost node in joined)
                await node.DisposeAsync();
        }
    }

    [Fact]
    public async Task RunAsync_ANodeLeaves_AnotherFillsItsGap()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(Model, inMemory: true);
        await cluster.AddAsync(cluster.OptionsFor(new BlockSpan(0, 20)) with { OnEvent = Record(0) });
        // Two on the last third: one of them is to spare when a node of the first leaves.
        NodeHost leaver = await NodeHost.StartAsync(cluster.OptionsFor(new BlockSpan(20, 30)) with { OnEvent = Record(1) });
        await using NodeHost first = await NodeHost.StartAsync(OptionsFor(cluster, 2));
        await using NodeHost second = await NodeHost.StartAsync(OptionsFor(cluster, 3));
        await ReachAsync(replicas => replicas.All(count => count >= 1), "replica of every block");

        await leaver.StopAsync(Patience);
        await leaver.DisposeAsync();
        Forget(1);

        await ReachAsync(replicas => replicas.All(count => count >= 1), "replica of every block after one has left");
    }

    private NodeOptions OptionsFor(SwarmCluster cluster, int index)
    {
        NodeOptions options = cluster.OptionsFor(null);
        long stored = options.Source.StoredBytes(new BlockSpan(0, Room));
        long pool = KvLayout.For(options.Source.Config, new BlockSpan(0, Room), options.Kernels).BytesFor(1024);
        return options with { MemoryBytes = Math.Max(stored + pool, ((stored * 4) + 2) / 3), OnEvent = Record(index) };
    }

    private Action<NodeEvent> Record(int index) => happened =>
    {
        switch (happened)
        {
            case NodeReady ready:
                Serve(index, ready.Blocks);
                break;
            case NodeMoved moved:
                Serve(index, moved.Blocks);
                break;
            default:
                break;
        }
    };

    private void Serve(int index, BlockSpan blocks)
    {
        List<TaskCompletionSource> reached;
        lock (_lock)
        {
            Assert.InRange(blocks.Count, 1, 20);
            _served[index] = blocks;
            int[] replicas = Replicas();
            reached = [.. _waiting.Where(waiting => waiting.Reached(replicas)).Select(waiting => waiting.Source)];
        }

        reached.ForEach(source => source.TrySetResult());
    }

    private void Forget(int index)
    {
        lock (_lock)
            _served.Remove(index);
    }

    private async Task ReachAsync(Func<int[], bool> reached, string what)
    {
        var source = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            if (reached(Replicas()))
                return;
            _waiting.Add((reached, source));
        }

        try
        {
            await source.Task.WaitAsync(Patience);
        }
        catch (TimeoutException)
        {
            lock (_lock)
                throw new TimeoutException($"within {Patience.TotalSeconds:0} s: no {what}; seen {string.Join(" ", _served.Values)}");
        }
    }

    private int[] Replicas() => [.. Enumerable.Range(0, Blocks).Select(block => _served.Values.Count(span => span.Contains(block)))];
}
