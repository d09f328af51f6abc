using Swarm.Models;
using Swarm.Node;
using Swarm.Protocol;
using Swarm.Testing;

namespace Swarm.Client.Tests;

/// <summary>A node takes other blocks while sessions run: their bits do not change, nothing is loaded twice, and what nobody needs is freed.</summary>
public sealed class MovingTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(1, 3, true)]
    [InlineData(2, 4, true)]
    [InlineData(0, 4, true)]
    [InlineData(0, 1, true)]
    [InlineData(1, 3, false)]
    [InlineData(2, 4, false)]
    public async Task MoveAsync_WhileASessionRuns_ItsBitsStayTheSame(int start, int end, bool inMemory)
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory, new BlockSpan(0, 2), new BlockSpan(2, 4));
        await using SwarmClient swarm = await cluster.ConnectAsync();
        await using LocalModel local = cluster.OpenLocal();
        NodeHost mover = cluster.Nodes[0];
        var to = new BlockSpan(start, end);

        float[][] expected = await LogitsAsync(local, () => Task.CompletedTask);
        float[][] seen = await LogitsAsync(swarm, () => mover.MoveAsync(to).WaitAsync(Patience));

        TestModels.AssertSameBits(expected, seen);
        Assert.Equal(to, mover.Blocks);
        await cluster.Events[0].WaitUntilIdleAsync(1);
        await using SwarmCluster fresh = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, to);
        Assert.Equal(fresh.Nodes[0].WeightBytes, mover.WeightBytes);
        Assert.Equal(0, mover.CacheBytesUsed);
    }

    [Fact]
    public async Task MoveAsync_BlocksThatStay_AreNotLoadedAgain()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, new BlockSpan(0, 3));
        List<NodeMoved> moves = [];

        await cluster.Nodes[0].MoveAsync(new BlockSpan(1, 4)).WaitAsync(Patience);
        await cluster.Nodes[0].MoveAsync(new BlockSpan(2, 4)).WaitAsync(Patience);
        await cluster.Nodes[0].MoveAsync(new BlockSpan(2, 4)).WaitAsync(Patience);
        await cluster.Events[0].WaitAsync(
            seen =>
            {
                moves = [.. seen.OfType<NodeMoved>()];
                return moves.Count == 2;
            },
            "two moves");

        Assert.Equal([1, 0], moves.Select(move => move.LoadedBlocks));
        Assert.Equal([new BlockSpan(0, 3), new BlockSpan(1, 4)], moves.Select(move => move.From));
        Assert.All(moves, move => Assert.True(move.CacheTokens >= 1024, $"{move.CacheTokens} positions"));
    }

    [Fact]
    public async Task MoveAsync_SessionsOfBothSpans_ComputeSideBySide()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, new BlockSpan(0, 4));
        await using SwarmClient swarm = await cluster.ConnectAsync();
        await using LocalModel local = cluster.OpenLocal();
        await using InferenceSession old = await swarm.OpenSessionAsync();
        await using InferenceSession expectedOld = await local.OpenSessionAsync();
        await old.PrefillAsync(new[] { 1, 2, 3 });
        await expectedOld.PrefillAsync(new[] { 1, 2, 3 });

        await cluster.Nodes[0].MoveAsync(new BlockSpan(0, 3)).WaitAsync(Patience);
        await cluster.AddAsync(new BlockSpan(3, 4));
        await swarm.RefreshAsync();
        await using InferenceSession young = await swarm.OpenSessionAsync();
        await using InferenceSession expectedYoung = await local.OpenSessionAsync();
        Assert.Equal(2, young.Route.Hops.Count);
        await young.PrefillAsync(new[] { 4, 5 });
        await expectedYoung.PrefillAsync(new[] { 4, 5 });
        for (int step = 0; step < 12; step++)
        {
            ValueTask<ReadOnlyMemory<float>> first = old.StepAsync(step);
            ValueTask<ReadOnlyMemory<float>> second = young.StepAsync(step + 40);
            float[] oldLogits = (await first).ToArray();
            float[] youngLogits = (await second).ToArray();
            TestModels.AssertSameBits([(await expectedOld.StepAsync(step)).ToArray()], [oldLogits]);
            TestModels.AssertSameBits([(await expectedYoung.StepAsync(step + 40)).ToArray()], [youngLogits]);
        }

        Assert.Equal(0, cluster.Nodes[0].SharedSteps);
    }

    [Fact]
    public async Task MoveAsync_ClientKnowsTheOldBlocks_IsServedElsewhereAtOnce()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, new BlockSpan(0, 4), new BlockSpan(0, 4));
        await using SwarmClient swarm = await cluster.ConnectAsync();
        PeerId first;
        await using (InferenceSession session = await swarm.OpenSessionAsync())
            first = session.Route.Hops[0].Peer!.Value;
        NodeHost mover = cluster.Nodes.Single(node => node.Peer == first);

        await mover.MoveAsync(new BlockSpan(0, 2)).WaitAsync(Patience);

        await using InferenceSession again = await swarm.OpenSessionAsync();
        Assert.DoesNotContain(again.Route.Hops, hop => hop.Peer == first && hop.Blocks.End > 2);
        await again.PrefillAsync(new[] { 1, 2, 3 });
    }

    [Fact]
    public async Task MoveAsync_MemoryForOneSpanOnly_ServesWhatStaysUntilSessionsEndAndThenLoads()
    {
        using ModelSource source = ModelSource.Open(TestModels.Random);
        int half = source.Config.Blocks / 2;
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Random, inMemory: true);
        long memory = Enough(source, half);
        await cluster.AddAsync(cluster.OptionsFor(new BlockSpan(0, half)) with { MemoryBytes = memory });
        NodeHost mover = cluster.Nodes[0];
        var to = new BlockSpan(half - 1, 2 * half - 1);
        await using SwarmClient swarm = await cluster.ConnectAsync();
        InferenceSession session = await swarm.OpenSessionAsync(new ChainSessionOptions { Blocks = new BlockSpan(0, half) });

        Task moving = mover.MoveAsync(to);
        Assert.False(moving.IsCompleted);
        Assert.Equal(new BlockSpan(half - 1, half), mover.Blocks);
        await session.DisposeAsync();
        await moving.WaitAsync(Patience);

        Assert.Equal(to, mover.Blocks);
        Assert.True(mover.WeightBytes <= memory * 3 / 4, $"{mover.WeightBytes} bytes of weights, {memory} allowed for all");
    }

    [Fact]
    public async Task MoveAsync_SessionsHoldTheMemoryForTooLong_TheNodeTakesItsBlocksBack()
    {
        using ModelSource source = ModelSource.Open(TestModels.Random);
        int half = source.Config.Blocks / 2;
        var time = new ManualTime(DateTimeOffset.UtcNow);
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Random, inMemory: true);
        await cluster.AddAsync(cluster.OptionsFor(new BlockSpan(0, half)) with { MemoryBytes = Enough(source, half), Time = new PatienceOf(time) });
        await cluster.AddAsync(new BlockSpan(half, source.Config.Blocks));
        NodeHost mover = cluster.Nodes[0];
        await using SwarmClient swarm = await cluster.ConnectAsync();
        await using LocalModel local = cluster.OpenLocal();
        Task? moving = null;

        float[][] seen = await LogitsAsync(swarm, async () =>
        {
            moving = mover.MoveAsync(new BlockSpan(half, 2 * half));
            Assert.Equal(0, mover.Blocks.Count);
            time.Advance(TimeSpan.FromMinutes(3));
            SwarmException fault = await Assert.ThrowsAsync<SwarmException>(() => moving.WaitAsync(Patience));
            Assert.Equal(FaultKind.NoCapacity, fault.Fault);
        });

        TestModels.AssertSameBits(await LogitsAsync(local, () => Task.CompletedTask), seen);
        Assert.Equal(new BlockSpan(0, half), mover.Blocks);
        TestModels.AssertSameBits(await TestModels.LogitsAsync(local), await TestModels.LogitsAsync(swarm));
    }

    [Fact]
    public async Task MoveAsync_BlocksThatDoNotFit_ChangesNothing()
    {
        using ModelSource source = ModelSource.Open(TestModels.Random);
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Random, inMemory: true);
        await cluster.AddAsync(cluster.OptionsFor(new BlockSpan(0, 2)) with { MemoryBytes = Enough(source, 2) });

        SwarmException fault = await Assert.ThrowsAsync<SwarmException>(() => cluster.Nodes[0].MoveAsync(source.Config.AllBlocks));
        SwarmException outside = await Assert.ThrowsAsync<SwarmException>(() => cluster.Nodes[0].MoveAsync(new BlockSpan(3, source.Config.Blocks + 1)));

        Assert.Equal((FaultKind.NoCapacity, FaultKind.InvalidArgument), (fault.Fault, outside.Fault));
        Assert.Equal(new BlockSpan(0, 2), cluster.Nodes[0].Blocks);
    }

    // Memory that holds so many blocks and their least pool, and not one block more.
    private static long Enough(ModelSource source, int blocks)
    {
        using var kernels = new Swarm.Kernels.Cpu.CpuKernels(1);
        long stored = source.StoredBytes(new BlockSpan(0, blocks));
        long pool = Swarm.Models.Blocks.KvLayout.For(source.Config, new BlockSpan(0, blocks), kernels).BytesFor(1024);
        return Math.Max(stored + pool, (stored * 4 + 2) / 3);
    }

    private static async Task<float[][]> LogitsAsync(LanguageModel model, Func<Task> between)
    {
        var all = new List<float[]>();
        await using InferenceSession session = await model.OpenSessionAsync();
        all.Add((await session.PrefillAsync(new[] { 5, 17, 3, 88, 41, 100, 7, 9, 121, 64, 33, 2 }, 5)).ToArray());
        all.Add((await session.StepAsync(11)).ToArray());
        await between();
        for (int step = 0; step < 4; step++)
            all.Add((await session.StepAsync(step * 11 + 1)).ToArray());
        session.Rollback(6);
        all.Add((await session.PrefillAsync(new[] { 1, 2, 3 })).ToArray());
        return [.. all];
    }

    // Long waits end when the test says so; whatever is short goes by the system's clock, so that links stay alive meanwhile.
    private sealed class PatienceOf(ManualTime manual) : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            (dueTime >= TimeSpan.FromMinutes(1) ? manual : System).CreateTimer(callback, state, dueTime, period);
    }
}
