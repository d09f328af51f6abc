using Swarm.Models;
using Swarm.Models.Sampling;
using Swarm.Testing;

namespace Swarm.Client.Tests;

/// <summary>A later session of a client starts after what an earlier one with the same beginning left at the nodes, with the same text, and is mended like any other.</summary>
public sealed class PrefixTests
{
    private const int PromptTokens = 150;
    private const int SharedTokens = 144;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly GenerationOptions Options = new() { MaxTokens = 20, StopAtEndOfSequence = false };
    private static readonly BlockSpan[] Thirds = SwarmCluster.Split(4, 3);

    private static int[] Prompt => [.. Enumerable.Range(0, PromptTokens).Select(index => (index * 37) % 120)];

    [Theory]
    [InlineData(true, EndsMode.Local, "f32")]
    [InlineData(true, EndsMode.Local, "int8")]
    [InlineData(true, EndsMode.Swarm, "f16")]
    [InlineData(false, EndsMode.Local, "f32")]
    [InlineData(false, EndsMode.Swarm, "f32")]
    public async Task GenerateAsync_SameBeginningAgain_IsNotComputedAgainAndGivesTheSameText(bool inMemory, EndsMode ends, string codec)
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory, Thirds);
        await using SwarmClient swarm = await ConnectAsync(cluster, ends);
        await using LocalModel local = cluster.OpenLocal();
        GenerationOptions options = Options with
        {
            Codec = codec, RoundAt = [1, 2], Sampling = new SamplingOptions { Temperature = 0.8f, RepeatPenalty = 1.2f, Seed = 5 },
        };
        int[] longer = [.. Prompt, .. Enumerable.Range(0, 100)];

        GenerationResult first = await swarm.GenerateAsync(Prompt, options).CompleteAsync();
        GenerationResult second = await swarm.GenerateAsync(Prompt, options).CompleteAsync();
        GenerationResult third = await swarm.GenerateAsync(longer, options).CompleteAsync();
        GenerationResult fourth = await swarm.GenerateAsync(longer, options).CompleteAsync();

        Assert.Equal((await local.GenerateAsync(Prompt, options).CompleteAsync()).Tokens, first.Tokens);
        Assert.Equal(first.Tokens, second.Tokens);
        Assert.Equal((await local.GenerateAsync(longer, options).CompleteAsync()).Tokens, third.Tokens);
        Assert.Equal(third.Tokens, fourth.Tokens);
        Assert.Equal((0, PromptTokens), (first.PrefixTokens, first.PrefilledTokens));
        Assert.Equal((SharedTokens, PromptTokens - SharedTokens), (second.PrefixTokens, second.PrefilledTokens));
        Assert.Equal((SharedTokens, 250 - SharedTokens), (third.PrefixTokens, third.PrefilledTokens));
        Assert.Equal((240, 10), (fourth.PrefixTokens, fourth.PrefilledTokens));
        int computed = PromptTokens - SharedTokens + second.Tokens.Count - 1;
        Assert.All(second.Figures.Hops, hop => Assert.Equal((SharedTokens, computed), (hop.PrefixTokens, hop.Tokens)));
        Assert.All(second.Figures.Hops, hop => Assert.Equal(second.Figures.Steps, hop.ForwardedDirectly));
        Assert.All(cluster.Nodes, node => Assert.True(node.PrefixBytesUsed > 0));
    }

    [Theory]
    [InlineData(0, EndsMode.Local, true)]
    [InlineData(1, EndsMode.Local, true)]
    [InlineData(2, EndsMode.Local, true)]
    [InlineData(1, EndsMode.Swarm, true)]
    [InlineData(2, EndsMode.Swarm, true)]
    [InlineData(1, EndsMode.Local, false)]
    [InlineData(2, EndsMode.Swarm, false)]
    public async Task GenerateAsync_HopDiesRightAfterAHit_TheSkippedPositionsAreFedToItsReplacement(int dead, EndsMode ends, bool inMemory)
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory, Thirds);
        await using SwarmClient swarm = await ConnectAsync(cluster, ends);
        await using LocalModel local = cluster.OpenLocal();
        GenerationOptions options = Options with { Sampling = new SamplingOptions { Temperature = 0.8f, RepeatPenalty = 1.2f, Seed = 5 } };
        GenerationResult first = await swarm.GenerateAsync(Prompt, options).CompleteAsync();
        List<ChainRecovery> recoveries = [];

        Generation generation = swarm.GenerateAsync(Prompt, options with { Recovered = recoveries.Add });
        async Task EnumerateAsync()
        {
            await foreach (GeneratedToken token in generation)
            {
                if (token.Position != PromptTokens)
                    continue;
                await cluster.AddAsync(Thirds[dead]);
                await cluster.KillAsync(dead);
            }
        }

        await EnumerateAsync().WaitAsync(Patience);

        Assert.Equal(first.Tokens, generation.Result.Tokens);
        Assert.Equal((await local.GenerateAsync(Prompt, options).CompleteAsync()).Tokens, generation.Result.Tokens);
        Assert.Equal(SharedTokens, generation.Result.PrefixTokens);
        ChainRecovery recovery = Assert.Single(recoveries);
        Assert.Equal((PromptTokens, 1, 0L), (recovery.ReplayedTokens, recovery.ReplayDepth, recovery.RecomputedDownstreamTokens));
        int own = PromptTokens - SharedTokens + generation.Result.Tokens.Count - 1;
        for (int hop = 0; hop < 3; hop++)
        {
            HopFigures figures = generation.Result.Figures.Hops[hop];
            Assert.Equal(hop == dead ? (0, 0, own + SharedTokens) : (SharedTokens, 0, own), (figures.PrefixTokens, figures.RecomputedTokens, figures.Tokens));
        }
    }

    [Fact]
    public async Task GenerateAsync_OneHopHasNothing_IsFedByTheOneBeforeItAndTheOthersComputeNothingTwice()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, Thirds);
        await using SwarmClient swarm = await SwarmClient.ConnectAsync(cluster.ClientOptions());
        GenerationResult first = await swarm.GenerateAsync(Prompt, Options).CompleteAsync();
        await cluster.AddAsync(Thirds[1]);
        await cluster.KillAsync(1);
        await swarm.RefreshAsync();

        GenerationResult second = await swarm.GenerateAsync(Prompt, Options).CompleteAsync();

        Assert.Equal(first.Tokens, second.Tokens);
        Assert.Equal(SharedTokens, second.PrefixTokens);
        int own = PromptTokens - SharedTokens + second.Tokens.Count - 1;
        Assert.Equal(
            [(SharedTokens, own, 0), (0, own + SharedTokens, SharedTokens), (0, own + SharedTokens, SharedTokens)],
            second.Figures.Hops.Select(hop => ((int)hop.PrefixTokens, (int)hop.Tokens, (int)hop.ReplayedTokens)));
        // All of them have it now.
        GenerationResult third = await swarm.GenerateAsync(Prompt, Options).CompleteAsync();
        Assert.Equal(first.Tokens, third.Tokens);
        Assert.All(third.Figures.Hops, hop => Assert.Equal((SharedTokens, own), (hop.PrefixTokens, hop.Tokens)));
    }

    [Fact]
    public async Task GenerateAsync_AnotherClientOrCodecOrBeginning_FindsNothing()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, SwarmCluster.Split(4, 2));
        await using SwarmClient swarm = await cluster.ConnectAsync();
        await using SwarmClient other = await cluster.ConnectAsync();
        await swarm.GenerateAsync(Prompt, Options).CompleteAsync();
        int[] different = [.. Prompt];
        different[10]++;

        GenerationResult[] results =
        [
            await other.GenerateAsync(Prompt, Options).CompleteAsync(),
            await swarm.GenerateAsync(Prompt, Options with { Codec = "f16" }).CompleteAsync(),
            await swarm.GenerateAsync(different, Options).CompleteAsync(),
            await swarm.GenerateAsync(Prompt, Options with { SharesPrefix = false }).CompleteAsync(),
            await swarm.GenerateAsync(Prompt[..16], Options).CompleteAsync(),
        ];

        Assert.All(results, result => Assert.Equal(0, result.PrefixTokens));
        Assert.Equal(64, (await swarm.GenerateAsync(Prompt[..65], Options).CompleteAsync()).PrefixTokens);
        Assert.Equal(80, (await swarm.GenerateAsync([.. Prompt[..90], 1, 2, 3, 4, 5, 6, 7], Options).CompleteAsync()).PrefixTokens);
        Assert.Equal(SharedTokens, (await other.GenerateAsync(Prompt, Options).CompleteAsync()).PrefixTokens);
    }

    [Fact]
    public async Task GenerateAsync_NodesOfWhomSeveralWouldDo_GoesWhereItsBeginningIs()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, [.. Thirds, .. Thirds, .. Thirds]);
        await using SwarmClient swarm = await cluster.ConnectAsync();
        GenerationResult first = await swarm.GenerateAsync(Prompt, Options).CompleteAsync();

        for (int again = 0; again < 3; again++)
        {
            GenerationResult result = await swarm.GenerateAsync(Prompt, Options).CompleteAsync();
            Assert.Equal(first.Route.Hops.Select(hop => hop.Peer), result.Route.Hops.Select(hop => hop.Peer));
            Assert.Equal(SharedTokens, result.PrefixTokens);
        }
    }

    [Fact]
    public async Task GenerateAsync_WithoutSharing_LeavesNothing()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, new BlockSpan(0, 4));
        await using SwarmClient swarm = await cluster.ConnectAsync();

        await swarm.GenerateAsync(Prompt, Options with { SharesPrefix = false }).CompleteAsync();

        Assert.Equal(0, (await swarm.GenerateAsync(Prompt, Options).CompleteAsync()).PrefixTokens);
        await cluster.WaitUntilIdleAsync(0);
        Assert.True(cluster.Nodes[0].PrefixBytesUsed > 0);
    }

    [Fact]
    public async Task Rollback_IntoSharedPages_LeavesThemToTheOtherSessions()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, SwarmCluster.Split(4, 2));
        await using SwarmClient swarm = await cluster.ConnectAsync();
        await using LocalModel local = cluster.OpenLocal();
        // The first session goes on: of its last page nothing is found yet.
        const int FullPages = 128;
        int[] other = [.. Prompt[..100], .. Enumerable.Range(1, 50)];
        await using InferenceSession alone = await local.OpenSessionAsync();
        float[] expected = (await alone.PrefillAsync(Prompt)).ToArray();
        alone.Rollback(0);
        float[] expectedOther = (await alone.PrefillAsync(other)).ToArray();

        await using InferenceSession one = await swarm.OpenSessionAsync(new ChainSessionOptions { Prefix = Prompt });
        Assert.Equal((0, 0), (one.Length, one.PrefixTokens));
        await one.PrefillAsync(Prompt);
        await using InferenceSession two = await swarm.OpenSessionAsync(new ChainSessionOptions { Prefix = Prompt });
        Assert.Equal((FullPages, FullPages), (two.Length, two.PrefixTokens));
        Assert.Equal(Prompt[..FullPages], two.Ids.ToArray());
        Assert.Equal(expected, (await two.PrefillAsync(Prompt.AsMemory(FullPages))).ToArray());
        two.Rollback(100);
        Assert.Equal(expectedOther, (await two.PrefillAsync(other.AsMemory(100))).ToArray());
        one.Rollback(FullPages);
        Assert.Equal(expected, (await one.PrefillAsync(Prompt.AsMemory(FullPages))).ToArray());

        // Both ways to go on are found.
        await using InferenceSession three = await swarm.OpenSessionAsync(new ChainSessionOptions { Prefix = other });
        Assert.Equal(FullPages, three.PrefixTokens);
        Assert.Equal(expectedOther, (await three.PrefillAsync(other.AsMemory(FullPages))).ToArray());
    }

    private static Task<SwarmClient> ConnectAsync(SwarmCluster cluster, EndsMode ends) => SwarmClient.ConnectAsync(cluster.ClientOptions() with { Ends = ends });
}
