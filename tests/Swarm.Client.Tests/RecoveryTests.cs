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
                Assert.Equal((PromptTokens + Options.MaxTokens - 1, 0), (figures.Tokens, figures.ReplayedTokens));
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

    private sealed record Run(GenerationResult Result, IReadOnlyList<ChainRecovery> Recoveries, IReadOnlyList<PeerId> Killed, ChainRoute Before);
}
