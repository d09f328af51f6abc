using System.Text.Json;
using Swarm.Models;
using Swarm.Models.Sampling;
using Swarm.Testing;

namespace Swarm.Client.Tests;

/// <summary>A small model of each family through three nodes: the numbers of one process, to the last bit.</summary>
public sealed class FamilyTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    // Together twice the golden ids: more than a page of keys and values, several times the windows.
    private static readonly int[] Counts = [7, 1, 22, 1, 40, 9];

    /// <summary>Every model folder there is.</summary>
    public static TheoryData<string> Families =>
        [.. Directory.GetDirectories(TestData.Path("families")).Select(folder => Path.GetFileName(folder)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Families))]
    public async Task ForwardAsync_ThreeNodesUnevenSteps_SameBitsAsOneProcess(string family)
    {
        string model = TestData.Path($"families/{family}");
        int[] golden = Ids(family, "ids");
        int[] ids = [.. golden, .. golden];
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(model, inMemory: true, Spans(model));
        await using SwarmClient swarm = await cluster.ConnectAsync();
        await using LocalModel local = cluster.OpenLocal();
        await using InferenceSession session = await swarm.OpenSessionAsync();
        await using InferenceSession alone = await local.OpenSessionAsync();
        Assert.Equal(Spans(model), session.Route.Hops.Select(hop => hop.Blocks));

        float[] expected = await LogitsAsync(local, alone, ids);
        int width = local.Config.Vocabulary, position = 0;
        foreach (int count in Counts)
        {
            float[] actual = await LogitsAsync(swarm, session, ids[position..(position + count)]);
            AssertSame(expected.AsSpan(position * width, count * width), actual, $"logits from {position}");
            position += count;
        }

        Assert.Equal(ids.Length, position);
        int next = Greediest(expected.AsSpan((position - 1) * width));
        for (int step = 0; step < 8; step++)
        {
            ReadOnlyMemory<float> one = await alone.StepAsync(next);
            ReadOnlyMemory<float> other = await session.StepAsync(next).AsTask().WaitAsync(Patience);
            AssertSame(one.Span, other.Span, $"logits of step {step}");
            next = Greediest(one.Span);
        }

        Assert.False(session.TryTakeRecovery(out _));
    }

    [Theory]
    [InlineData("gpt2")]
    [InlineData("bloom")]
    [InlineData("gemma2")]
    public async Task GenerateAsync_SwarmEnds_SameTextAsOneProcess(string family)
    {
        string model = TestData.Path($"families/{family}");
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(model, inMemory: true, Spans(model));
        await using SwarmClient thin = await SwarmClient.ConnectAsync(cluster.ClientOptions() with { Ends = EndsMode.Swarm });
        await using LocalModel local = cluster.OpenLocal();
        int[] greedy = Ids(family, "greedy"), prompt = Ids(family, "greedy_prompt");

        GenerationResult golden = await thin.GenerateAsync(prompt, Options(greedy.Length, SamplingOptions.Greedy)).CompleteAsync().WaitAsync(Patience);
        Assert.Equal(greedy, golden.Tokens);

        // The greedy text of a random model hardly varies; what a hot sampler says does with each bit of the logits.
        GenerationOptions hot = Options(150, new SamplingOptions { Temperature = 8, Seed = 3 });
        GenerationResult expected = await local.GenerateAsync(Ids(family, "ids"), hot).CompleteAsync();
        GenerationResult actual = await thin.GenerateAsync(Ids(family, "ids"), hot).CompleteAsync().WaitAsync(Patience);
        Assert.Equal(expected.Tokens, actual.Tokens);
        Assert.True(expected.Tokens.Distinct().Count() > 15, $"{expected.Tokens.Distinct().Count()} different tokens");
    }

    [Theory]
    [InlineData("qwen3-moe")]
    [InlineData("deepseek-v3")]
    [InlineData("gpt-oss")]
    public async Task GenerateAsync_MiddleNodeOfAMixtureDies_SameText(string family)
    {
        string model = TestData.Path($"families/{family}");
        BlockSpan[] spans = Spans(model);
        int[] prompt = Ids(family, "ids");
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(model, inMemory: true, [.. spans, spans[1]]);
        await using SwarmClient swarm = await cluster.ConnectAsync();
        await using LocalModel local = cluster.OpenLocal();
        GenerationOptions options = Options(50, new SamplingOptions { Temperature = 2, Seed = 5 });
        GenerationResult expected = await local.GenerateAsync(prompt, options).CompleteAsync();
        List<ChainRecovery> recoveries = [];
        ChainRoute? opened = null;

        Generation generation = swarm.GenerateAsync(prompt, options with { RouteOpened = route => opened = route, Recovered = recoveries.Add });
        await EnumerateAsync().WaitAsync(Patience);

        Assert.Equal(expected.Tokens, generation.Result.Tokens);
        ChainRecovery recovery = Assert.Single(recoveries);
        Assert.Equal((opened!.Hops[1].Peer, spans[1]), (recovery.Peer, recovery.Blocks));
        Assert.Equal((prompt.Length + 20, 1, 0L), (recovery.ReplayedTokens, recovery.ReplayDepth, recovery.RecomputedDownstreamTokens));

        async Task EnumerateAsync()
        {
            await foreach (GeneratedToken token in generation)
            {
                if (token.Position == prompt.Length + 20)
                    await cluster.KillAsync(cluster.Nodes.ToList().FindIndex(node => node.Peer == opened!.Hops[1].Peer));
            }
        }
    }

    private static BlockSpan[] Spans(string model) => [new(0, 1), new(1, 2), new(2, TestModels.BlocksOf(model))];

    private static GenerationOptions Options(int tokens, SamplingOptions sampling) =>
        new() { MaxTokens = tokens, StopAtEndOfSequence = false, PrefillChunk = 9, Sampling = sampling };

    // One step; the logits of all its positions.
    private static async Task<float[]> LogitsAsync(LanguageModel model, InferenceSession session, int[] ids)
    {
        var hidden = new float[ids.Length * model.Config.Hidden];
        await session.ForwardAsync(ids, OutputRows.All, hidden).AsTask().WaitAsync(Patience);
        var logits = new float[ids.Length * model.Config.Vocabulary];
        model.Ends.Logits(hidden, ids.Length, logits);
        return logits;
    }

    private static int Greediest(ReadOnlySpan<float> logits) => new Sampler(SamplingOptions.Greedy).Sample(logits.ToArray(), [], 0);

    private static int[] Ids(string family, string name)
    {
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(TestData.Path($"families/{family}/expected.json")));
        return [.. json.RootElement.GetProperty(name).EnumerateArray().Select(id => id.GetInt32())];
    }

    private static void AssertSame(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, string what) =>
        Assert.True(expected.Length > 0 && expected.SequenceEqual(actual), $"{what} differ");
}
