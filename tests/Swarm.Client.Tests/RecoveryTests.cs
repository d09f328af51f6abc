using Swarm.Models;
using Swarm.Protocol;
using Swarm.Testing;

namespace Swarm.Client.Tests;

/// <summary>A hop dies and the text goes on, the same to the last token, and only the replacement computes what was lost.</summary>
public sealed class RecoveryTests
{
    private const int PromptTokens = 150;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly GenerationOptions Options = new() { MaxTokens = 70, StopAtEndOfSequence = false, PrefillChunk = 32 };

    [Theory]
    [InlineData(true, 0)]
    [InlineData(true, 50)]
    [InlineData(false, 50)]
    public async Task GenerateAsync_OnlyHopDies_AnotherIsFilledFromTheTokenIds(bool inMemory, int token)
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory, new BlockSpan(0, 4), new BlockSpan(0, 4));
        await using SwarmClient swarm = await cluster.ConnectAsync();

        Run run = await RunAsync(cluster, swarm, token, route => [route.Hops[0].Peer!.Value]);

        ChainRecovery recovery = Assert.Single(run.Recoveries);
        Assert.Equal(run.Killed.Single(), recovery.Peer);
        Assert.Equal(new BlockSpan(0, 4), recovery.Blocks);
        Assert.Equal((PromptTokens + token, 1, 0L), (recovery.ReplayedTokens, recovery.ReplayDepth, recovery.RecomputedDownstreamTokens));
        Assert.Equal(1, run.Result.Route.Epoch);
    }

    [Theory]
    [InlineData(true, 0, 0)]
    [InlineData(true, 1, 0)]
    [InlineData(true, 2, 0)]
    [InlineData(true, 0, 50)]
    [InlineData(true, 1, 50)]
    [InlineData(true, 2, 50)]
    [InlineData(false, 0, 50)]
    [InlineData(false, 1, 50)]
    [InlineData(false, 2, 1)]
    public async Task GenerateAsync_HopWithAReplicaDies_OnlyTheReplicaComputesWhatWasLost(bool inMemory, int dead, int token)
    {
        BlockSpan[] spans = SwarmCluster.Split(4, 3);
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory, [.. spans, .. spans]);
        await using SwarmClient swarm = await cluster.ConnectAsync();

        Run run = await RunAsync(cluster, swarm, token, route => [route.Hops[dead].Peer!.Value]);

        ChainRecovery recovery = Assert.Single(run.Recoveries);
        Assert.Equal(run.Killed.Single(), recovery.Peer);
        Assert.Equal(spans[dead], recovery.Blocks);
        Assert.Equal((PromptTokens + token, 1, 0L), (recovery.ReplayedTokens, recovery.ReplayDepth, recovery.RecomputedDownstreamTokens));
        AssertKept(run, dead);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task GenerateAsync_RowsThatDifferInLength_AreReplayedAsTheyWereSent(int dead)
    {
        BlockSpan[] spans = SwarmCluster.Split(4, 3);
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, [.. spans, .. spans]);
        await using SwarmClient swarm = await cluster.ConnectAsync();

        Run run = await RunAsync(cluster, swarm, 20, route => [route.Hops[dead].Peer!.Value], Options with { Codec = "medium", RoundAt = [0, 1, 2, 3, 4] });

        Assert.Equal("medium", run.Result.Route.Codec);
        Assert.InRange(run.Result.Figures.HiddenBytesPerValue, 0.5, 1.5);
        AssertKept(run, dead);
    }

    [Fact]
    public async Task GenerateAsync_Auto_BecomesOneCodecThatStaysWhenAHopDies()
    {
        BlockSpan[] spans = SwarmCluster.Split(4, 3);
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, [.. spans, .. spans]);
        await using SwarmClient swarm = await cluster.ConnectAsync();
        await using LocalModel local = cluster.OpenLocal();
        ChainRoute? opened = null;

        Generation generation = swarm.GenerateAsync(Prompt, Options with { Codec = AutoCodec.Name, RouteOpened = route => opened ??= route });
        await foreach (GeneratedToken seen in generation)
        {
            if (seen.Position == PromptTokens + 20)
                await cluster.KillAsync(cluster.Nodes.ToList().FindIndex(node => node.Peer == opened!.Hops[1].Peer));
        }

        ChainRoute after = generation.Result.Route;
        Assert.True(after.Epoch > 0);
        Assert.NotEqual(AutoCodec.Name, after.Codec);
        Assert.Equal((opened!.Codec, opened.RoundingPoints), (after.Codec, after.RoundingPoints));
        GenerationOptions same = Options with { Codec = after.Codec, RoundAt = after.RoundingPoints };
        Assert.Equal((await local.GenerateAsync(Prompt, same).CompleteAsync()).Tokens, generation.Result.Tokens);
    }

    [Theory]
    [InlineData(0, 1, 2)]
    [InlineData(1, 2, 2)]
    [InlineData(0, 2, 1)]
    public async Task GenerateAsync_TwoHopsDieAtOnce_BothReplicasAreFilledByTheirNeighbours(int one, int other, int depth)
    {
        BlockSpan[] spans = SwarmCluster.Split(4, 3);
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, [.. spans, .. spans]);
        await using SwarmClient swarm = await cluster.ConnectAsync();

        Run run = await RunAsync(cluster, swarm, 30, route => [route.Hops[one].Peer!.Value, route.Hops[other].Peer!.Value]);

        // The second death may be heard of after the first was mended.
        Assert.InRange(run.Recoveries.Count, 1, 2);
        Assert.All(run.Recoveries, recovery => Assert.Equal(0, recovery.RecomputedDownstreamTokens));
        Assert.InRange(run.Recoveries.Max(recovery => recovery.ReplayDepth), 1, depth);
        AssertKept(run, one, other);
    }

    [Fact]
    public async Task GenerateAsync_AllHopsDie_TheTokenIdsRebuildEverything()
    {
        BlockSpan[] spans = SwarmCluster.Split(4, 3);
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, [.. spans, .. spans]);
        await using SwarmClient swarm = await cluster.ConnectAsync();

        Run run = await RunAsync(cluster, swarm, 30, route => [.. route.Hops.Select(hop => hop.Peer!.Value)]);

        Assert.Contains(run.Recoveries, recovery => recovery.ReplayDepth > 1);
        Assert.All(run.Result.Figures.Hops, hop => Assert.Equal(PromptTokens + Options.MaxTokens - 1, hop.Tokens));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task GenerateAsync_ReplacementDiesToo_TheNextOneTakesOver(bool inMemory)
    {
        BlockSpan[] spans = SwarmCluster.Split(4, 3);
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory, [.. spans, spans[1], spans[1]]);
        // A replacement dies as soon as it has the session: while it is being filled, or just after.
        Dictionary<PeerId, Task> dying = [];
        await using SwarmClient swarm = await cluster.ConnectAsync();
        int[] replicas = [1, 3, 4];

        Run run = await RunAsync(cluster, swarm, 30, route =>
        {
            PeerId first = route.Hops[1].Peer!.Value;
            int second = replicas.First(index => cluster.Nodes[index].Peer != first);
            int third = replicas.Last(index => cluster.Nodes[index].Peer != first);
            foreach (int index in (int[])[second, third])
                _ = DieAsync(index);
            return [first];

            async Task DieAsync(int index)
            {
                int other = index == second ? third : second;
                await cluster.Events[index].WaitAsync(seen => seen.Any(happened => happened is Swarm.Node.NodeSessionOpened), "session at the replacement");
                if (!cluster.Events[other].Has(happened => happened is Swarm.Node.NodeSessionOpened))
                    await cluster.KillAsync(index);
            }
        });

        Assert.InRange(run.Recoveries.Count, 1, 3);
        Assert.All(run.Recoveries, recovery => Assert.Equal(0, recovery.RecomputedDownstreamTokens));
        Assert.NotEqual(run.Killed.Single(), run.Result.Route.Hops[1].Peer);
        AssertKept(run, 1);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task PrefillAsync_HopDiesUnderWay_GivesTheSameLogits(int dead)
    {
        BlockSpan[] spans = SwarmCluster.Split(4, 3);
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, [.. spans, .. spans]);
        await using SwarmClient swarm = await cluster.ConnectAsync();
        await using LocalModel local = cluster.OpenLocal();
        await using InferenceSession session = await swarm.OpenSessionAsync();
        await using InferenceSession alone = await local.OpenSessionAsync();
        int victim = cluster.Nodes.ToList().FindIndex(node => node.Peer == session.Route.Hops[dead].Peer);

        ValueTask<ReadOnlyMemory<float>> prefill = session.PrefillAsync(Prompt, chunk: 4);
        await cluster.KillAsync(victim);
        ReadOnlyMemory<float> logits = await prefill.AsTask().WaitAsync(Patience);

        AssertSame(await alone.PrefillAsync(Prompt), logits);
        AssertSame(await alone.StepAsync(7), await session.StepAsync(7));
        session.Rollback(20);
        alone.Rollback(20);
        AssertSame(await alone.StepAsync(9), await session.StepAsync(9));
    }

    [Fact]
    public async Task GenerateAsync_MiddleHopDies_ThisSideSendsThePromptOnce()
    {
        BlockSpan[] spans = SwarmCluster.Split(4, 3);
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, [.. spans, .. spans]);
        await using SwarmClient swarm = await cluster.ConnectAsync();
        await using SwarmClient other = await cluster.ConnectAsync();
        Run quiet = await RunAsync(cluster, other, 30, route => []);

        Run run = await RunAsync(cluster, swarm, 30, route => [route.Hops[1].Peer!.Value]);

        // Another opening, and one step again at the most; the prompt alone is PromptTokens rows.
        long row = swarm.Config.Hidden * sizeof(float);
        Assert.Single(run.Recoveries);
        Assert.InRange(run.Result.Figures.SentBytes - quiet.Result.Figures.SentBytes, 1, 10 * row);
    }

    [Fact]
    public async Task StepAsync_NobodyServesAndThenANodeComes_TheSessionGoesOnWithTheNextStep()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, SwarmCluster.Split(4, 2));
        await using SwarmClient swarm = await cluster.ConnectAsync();
        await using LocalModel local = cluster.OpenLocal();
        await using InferenceSession session = await swarm.OpenSessionAsync(new ChainSessionOptions { Grace = TimeSpan.FromSeconds(0.2) });
        await using InferenceSession alone = await local.OpenSessionAsync();
        await session.PrefillAsync(Prompt);
        await alone.PrefillAsync(Prompt);
        await cluster.KillAsync(1);

        SwarmException fault = await Assert.ThrowsAsync<SwarmException>(async () => await session.StepAsync(7));

        Assert.Equal((FaultKind.NoRoute, (2, 4)), (fault.Fault, fault.Blocks));
        Assert.Equal(PromptTokens, session.Length);
        Assert.True(session.IsUsable);
        await cluster.AddAsync(new BlockSpan(2, 4));
        AssertSame(await alone.StepAsync(7), await session.StepAsync(7));
        Assert.True(session.TryTakeRecovery(out ChainRecovery? recovery));
        Assert.Equal(PromptTokens, recovery.ReplayedTokens);
    }

    [Fact]
    public async Task GenerateAsync_NodeComesWithinTheGraceTime_TheTextGoesOn()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, SwarmCluster.Split(4, 2));
        await using SwarmClient swarm = await cluster.ConnectAsync();

        Run run = await RunAsync(
            cluster, swarm, 30, route =>
            {
                _ = cluster.AddAsync(new BlockSpan(2, 4));
                return [cluster.Nodes[1].Peer];
            },
            Options with { Grace = Patience });

        Assert.Equal(new BlockSpan(2, 4), Assert.Single(run.Recoveries).Blocks);
    }

    [Fact]
    public async Task StepAsync_CancelledWhileTheChainIsMended_TheSessionGoesOn()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, SwarmCluster.Split(4, 2));
        await using SwarmClient swarm = await cluster.ConnectAsync();
        await using LocalModel local = cluster.OpenLocal();
        await using InferenceSession session = await swarm.OpenSessionAsync(new ChainSessionOptions { Grace = Patience });
        await using InferenceSession alone = await local.OpenSessionAsync();
        await session.PrefillAsync(Prompt);
        await alone.PrefillAsync(Prompt);
        await cluster.KillAsync(1);
        using var cancellation = new CancellationTokenSource();
        ValueTask<ReadOnlyMemory<float>> waiting = session.StepAsync(7, cancellation.Token);

        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await waiting);

        // As when no fault comes: the step is part of the session. Here it is overwritten, while the chain is still broken.
        Assert.Equal(PromptTokens + 1, session.Length);
        session.Rollback(PromptTokens - 3);
        ValueTask<ReadOnlyMemory<float>> next = session.PrefillAsync(new[] { 11, 12 });
        await cluster.AddAsync(new BlockSpan(2, 4));
        alone.Rollback(PromptTokens - 3);
        AssertSame(await alone.PrefillAsync(new[] { 11, 12 }), await next);
    }

    [Fact]
    public async Task ForwardAsync_SessionOfHiddenStates_IsRebuiltFromCopies()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, new BlockSpan(0, 4), new BlockSpan(0, 4));
        await using SwarmClient swarm = await cluster.ConnectAsync();
        await using LocalModel local = cluster.OpenLocal();
        var options = new ChainSessionOptions { Blocks = new BlockSpan(1, 3) };
        await using IChainSession session = await swarm.Chain.OpenAsync(options);
        await using IChainSession alone = await local.Chain.OpenAsync(options);
        int width = swarm.Config.Hidden;
        float[] rows = [.. Enumerable.Range(0, 20 * width).Select(index => MathF.Sin(index))];
        float[] expected = new float[width];
        float[] actual = new float[width];
        foreach (IChainSession each in (IChainSession[])[session, alone])
        {
            await each.ForwardAsync(rows.AsMemory(0, 15 * width), 0, 15, OutputRows.None, default);
            await each.ForwardAsync(rows.AsMemory(0, 5 * width), 10, 5, OutputRows.None, default);
        }

        await cluster.KillAsync(cluster.Nodes.ToList().FindIndex(node => node.Peer == session.Route.Hops[0].Peer));
        await session.ForwardAsync(rows.AsMemory(19 * width), 15, 1, OutputRows.Last, actual);
        await alone.ForwardAsync(rows.AsMemory(19 * width), 15, 1, OutputRows.Last, expected);

        Assert.Equal(expected, actual);
        Assert.True(session.TryTakeRecovery(out ChainRecovery? recovery));
        Assert.Equal(15, recovery.ReplayedTokens);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task GenerateAsync_HopLeavesPolitely_IsPlannedAwayBeforeItIsGone(bool inMemory)
    {
        BlockSpan[] spans = SwarmCluster.Split(4, 3);
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory, [.. spans, .. spans]);
        await using SwarmClient swarm = await cluster.ConnectAsync();
        Task stopping = Task.CompletedTask;
        int leaving = -1;

        Run run = await RunAsync(cluster, swarm, 20, route =>
        {
            leaving = cluster.Nodes.ToList().FindIndex(node => node.Peer == route.Hops[1].Peer);
            stopping = cluster.Nodes[leaving].StopAsync(Patience);
            return [];
        });

        await stopping.WaitAsync(Patience);
        ChainRecovery recovery = Assert.Single(run.Recoveries);
        Assert.Equal(("Leaving", cluster.Nodes[leaving].Peer, spans[1], 0L), (recovery.Reason, recovery.Peer, recovery.Blocks, recovery.RecomputedDownstreamTokens));
        await cluster.Events[leaving].WaitAsync(seen => seen.Any(happened => happened is Swarm.Node.NodeStopped { CutSessions: 0 }), "stop without cut sessions");
        AssertKept(run, 1);
    }

    [Fact]
    public async Task GenerateAsync_HopLeavesAndNobodyElseServes_IsUsedToTheEnd()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, SwarmCluster.Split(4, 3));
        await using SwarmClient swarm = await cluster.ConnectAsync();
        Task stopping = Task.CompletedTask;

        Run run = await RunAsync(cluster, swarm, 20, route =>
        {
            stopping = cluster.Nodes[1].StopAsync(Patience);
            return [];
        });

        await stopping.WaitAsync(Patience);
        Assert.Empty(run.Recoveries);
        Assert.Equal(0, run.Result.Route.Epoch);
    }

    [Fact]
    public async Task GenerateAsync_HopDies_NobodyKeepsAnythingAfterwardsAndNoHealthyPeerIsHidden()
    {
        BlockSpan[] spans = SwarmCluster.Split(4, 3);
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, [.. spans, .. spans]);
        await using SwarmClient swarm = await cluster.ConnectAsync();

        Run run = await RunAsync(cluster, swarm, 30, route => [route.Hops[1].Peer!.Value]);

        for (int index = 0; index < cluster.Nodes.Count; index++)
        {
            if (cluster.Nodes[index].Peer == run.Killed.Single())
                continue;
            await cluster.Events[index].WaitUntilIdleAsync(0);
            Assert.Equal(0, cluster.Nodes[index].CacheBytesUsed);
        }

        Assert.Equal(cluster.Nodes.Select(node => node.Peer).Except(run.Killed).Order(), swarm.Nodes.Select(node => node.Peer).Order());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task GenerateAsync_ResultDamagedOnce_IsSentAgainAndNobodyIsBlamed(bool inMemory)
    {
        BlockSpan[] spans = SwarmCluster.Split(4, 3);
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory, [.. spans, .. spans]);

        (Run run, IReadOnlyList<PeerId> seen) = await RunDamagedAsync(cluster, PromptTokens + 9);

        ChainRecovery recovery = Assert.Single(run.Recoveries);
        Assert.Equal((nameof(FaultKind.CorruptPacket), run.Before.Hops[2].Peer), (recovery.Reason, recovery.Peer));
        Assert.Equal((0, 0, 0L, 1), (recovery.ReplayedTokens, recovery.ReplayDepth, recovery.RecomputedDownstreamTokens, recovery.Epoch));
        AssertKept(run);
        Assert.Equal(6, seen.Count);
    }

    [Fact]
    public async Task GenerateAsync_ResultsOfTheSameSenderDamagedTwice_ItIsBlamedAndReplaced()
    {
        BlockSpan[] spans = SwarmCluster.Split(4, 3);
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, [.. spans, .. spans]);

        (Run run, IReadOnlyList<PeerId> seen) = await RunDamagedAsync(cluster, PromptTokens + 9, PromptTokens + 29);

        PeerId sender = run.Before.Hops[2].Peer!.Value;
        Assert.All(run.Recoveries, recovery => Assert.Equal((nameof(FaultKind.CorruptPacket), sender), (recovery.Reason, recovery.Peer)));
        Assert.Equal([(0, 1), (PromptTokens + 29, 2)], run.Recoveries.Select(recovery => (recovery.ReplayedTokens, recovery.Epoch)));
        AssertKept(run, 2);
        Assert.Equal(cluster.Nodes.Select(node => node.Peer).Where(peer => peer != sender).Order(), seen.Order());
    }

    [Fact]
    public async Task GenerateAsync_HopTurnsSlow_AQuickOneTakesOver()
    {
        BlockSpan[] spans = SwarmCluster.Split(4, 3);
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true);
        List<SlowExecutor> devices = [];
        foreach (BlockSpan span in (BlockSpan[])[.. spans, .. spans])
        {
            devices.Add(new SlowExecutor());
            await cluster.AddAsync(cluster.OptionsFor(span) with { Executor = devices[^1] });
        }

        await using SwarmClient swarm = await cluster.ConnectAsync();
        int slow = -1;

        Run run = await RunAsync(
            cluster, swarm, 0,
            route =>
            {
                slow = cluster.Nodes.ToList().FindIndex(node => node.Peer == route.Hops[1].Peer);
                devices[slow].Extra = TimeSpan.FromSeconds(1);
                return [];
            },
            Options with { MaxTokens = 100 });

        ChainRecovery recovery = Assert.Single(run.Recoveries);
        Assert.Equal(("PeerSlow", cluster.Nodes[slow].Peer, spans[1]), (recovery.Reason, recovery.Peer, recovery.Blocks));
        Assert.Equal((1, 0L), (recovery.ReplayDepth, recovery.RecomputedDownstreamTokens));
        AssertKept(run, 1);
        await cluster.Events[slow].WaitUntilIdleAsync(1);
    }

    private static void AssertSame(ReadOnlyMemory<float> expected, ReadOnlyMemory<float> actual) => Assert.True(expected.Span.SequenceEqual(actual.Span), "logits differ");

    // Hops that lived are the same, and computed each position once.
    private static void AssertKept(Run run, params int[] replaced)
    {
        Assert.Equal(run.Before.Hops.Count, run.Result.Route.Hops.Count);
        for (int index = 0; index < run.Before.Hops.Count; index++)
        {
            HopFigures figures = run.Result.Figures.Hops[index];
            Assert.Equal(replaced.Contains(index), run.Before.Hops[index].Peer != run.Result.Route.Hops[index].Peer);
            Assert.Equal(0, figures.RecomputedTokens);
            if (!replaced.Contains(index))
                Assert.Equal((PromptTokens + run.Result.Tokens.Count - 1, 0), (figures.Tokens, figures.ReplayedTokens));
        }
    }

    private static int[] Prompt => [.. Enumerable.Range(0, PromptTokens).Select(index => (index * 37) % 120)];

    // Generates, kills after a token whom the route names, and compares the text with that of one process.
    private static async Task<Run> RunAsync(SwarmCluster cluster, SwarmClient swarm, int token, Func<ChainRoute, IReadOnlyList<PeerId>> victims, GenerationOptions? options = null)
    {
        options ??= Options;
        await using LocalModel local = cluster.OpenLocal();
        GenerationResult expected = await local.GenerateAsync(Prompt, options).CompleteAsync();
        List<ChainRecovery> recoveries = [];
        IReadOnlyList<PeerId> killed = [];
        ChainRoute? opened = null;
        Generation generation = swarm.GenerateAsync(Prompt, options with { RouteOpened = route => opened = route, Recovered = recoveries.Add });
        async Task EnumerateAsync()
        {
            await foreach (GeneratedToken seen in generation)
            {
                if (seen.Position != PromptTokens + token)
                    continue;
                killed = victims(opened!);
                foreach (PeerId peer in killed)
                    await cluster.KillAsync(cluster.Nodes.ToList().FindIndex(node => node.Peer == peer));
            }
        }

        await EnumerateAsync().WaitAsync(Patience);
        Assert.Equal(expected.Tokens, generation.Result.Tokens);
        Assert.Equal(recoveries.Count, generation.Result.Recoveries);
        return new Run(generation.Result, recoveries, killed, opened!);
    }

    // The results at some positions come in damaged, each once. Gives also whom the client still sees afterwards.
    private static async Task<(Run Run, IReadOnlyList<PeerId> Seen)> RunDamagedAsync(SwarmCluster cluster, params int[] positions)
    {
        var left = new HashSet<int>(positions);
        await using SwarmClient swarm = await SwarmClient.ConnectAsync(cluster.ClientOptions() with
        {
            Transport = credentials => new DamagingTransport(cluster.NewTransport(credentials))
            {
                Damages = (_, message) =>
                {
                    lock (left)
                        return message.Frame.Result is { } result && left.Remove((int)result.Position);
                },
            },
        });
        Run run = await RunAsync(cluster, swarm, 0, route => []);
        Assert.Empty(left);
        return (run, [.. swarm.Nodes.Select(node => node.Peer)]);
    }

    private sealed record Run(GenerationResult Result, IReadOnlyList<ChainRecovery> Recoveries, IReadOnlyList<PeerId> Killed, ChainRoute Before);
}
