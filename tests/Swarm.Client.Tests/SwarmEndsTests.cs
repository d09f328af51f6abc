using Swarm.Models;
using Swarm.Models.Blocks;
using Swarm.Models.Sampling;
using Swarm.Node;
using Swarm.Node.Placement;
using Swarm.Protocol;
using Swarm.Protocol.Wire;
using Swarm.Testing;

namespace Swarm.Client.Tests;

/// <summary>The nodes have the model's ends: the same text, and only token ids travel between the client and them.</summary>
public sealed class SwarmEndsTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly SamplingOptions Sampled = new() { Temperature = 0.9f, TopK = 40, TopP = 0.95f, MinP = 0.01f, Seed = 11 };
    private static readonly SamplingOptions Penalized = new() { Temperature = 1.3f, RepeatPenalty = 1.3f, RepeatLastN = 24, Seed = 0xFEDC_BA98_7654_3210 };

    private static int[] Prompt => [.. Enumerable.Range(0, 40).Select(index => (index * 37) % 90)];

    [Theory]
    [InlineData(1, true)]
    [InlineData(2, true)]
    [InlineData(3, true)]
    [InlineData(3, false)]
    public async Task GenerateAsync_AnySplit_GivesTheTextOfLocalEnds(int nodes, bool inMemory)
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory, SwarmCluster.Split(4, nodes));
        await using SwarmClient thin = await ThinAsync(cluster);
        await using LocalModel local = cluster.OpenLocal();
        SamplingOptions[] samplings = [SamplingOptions.Greedy, Sampled, Penalized, SamplingOptions.Greedy with { RepeatPenalty = 1.2f }];
        var texts = new HashSet<string>();

        foreach (SamplingOptions sampling in samplings)
        {
            GenerationOptions options = Options(sampling);
            GenerationResult result = await thin.GenerateAsync(Prompt, options).CompleteAsync();

            Assert.Equal((await local.GenerateAsync(Prompt, options).CompleteAsync()).Tokens, result.Tokens);
            texts.Add(string.Join(' ', result.Tokens));
            // Hop to hop, and the last straight to the client: no step took another way.
            Assert.All(result.Figures.Hops, hop => Assert.Equal(result.Figures.Steps, hop.ForwardedDirectly));
            Assert.Equal(0, result.Figures.Hops[^1].HiddenBytes);
        }

        Assert.Equal(samplings.Length, texts.Count);
    }

    [Theory]
    [InlineData("int8", 0, 2, 4)]
    [InlineData("f16", 0, 1, 3)]
    [InlineData("medium", 0, 2, 4)]
    public async Task GenerateAsync_RoundedAtTheEnds_GivesTheTextOfLocalEnds(string codec, params int[] points)
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, SwarmCluster.Split(4, 2));
        await using SwarmClient thin = await ThinAsync(cluster);
        await using LocalModel local = cluster.OpenLocal();
        GenerationOptions options = Options(Sampled) with { Codec = codec, RoundAt = points };

        GenerationResult result = await thin.GenerateAsync(Prompt, options).CompleteAsync();

        Assert.Equal((await local.GenerateAsync(Prompt, options).CompleteAsync()).Tokens, result.Tokens);
    }

    [Fact]
    public async Task GenerateAsync_ManyAtOnce_EachGetsItsOwnText()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, SwarmCluster.Split(4, 2));
        await using SwarmClient thin = await ThinAsync(cluster);
        await using SwarmClient thick = await cluster.ConnectAsync();
        await using LocalModel local = cluster.OpenLocal();
        GenerationOptions[] options = [.. Enumerable.Range(0, 12).Select(index => Options(Sampled with { Seed = (ulong)index, RepeatPenalty = 1 + (index % 3 * 0.1f) }))];

        // Every third holds its own ends: both kinds share passes.
        GenerationResult[] results = await Task.WhenAll(options.Select(
            (option, index) => (index % 3 == 0 ? thick : thin).GenerateAsync(Prompt, option).CompleteAsync())).WaitAsync(Patience);

        for (int index = 0; index < options.Length; index++)
            Assert.Equal((await local.GenerateAsync(Prompt, options[index]).CompleteAsync()).Tokens, results[index].Tokens);

        // Nor do threads that share a model in this process meet in its kernels.
        GenerationResult[] again = await Task.WhenAll(options.Select(option => Task.Run(() => local.GenerateAsync(Prompt, option).CompleteAsync())));
        Assert.All(again.Zip(results), pair => Assert.Equal(pair.Second.Tokens, pair.First.Tokens));
    }

    [Fact]
    public async Task GenerateAsync_ThinClient_SendsAFewBytesATokenAndReadsNoWeights()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, SwarmCluster.Split(4, 2));
        using var folder = new TemporaryFolder();
        foreach (string name in new[] { "config.json", "generation_config.json" })
            File.Copy(Path.Combine(TestModels.Llama, name), folder.File(name));
        await using SwarmClient thin = await SwarmClient.ConnectAsync(cluster.ClientOptions(folder.Path) with { Ends = EndsMode.Swarm });
        await using SwarmClient thick = await cluster.ConnectAsync();

        double thinBytes = await BytesPerTokenAsync(thin);
        double thickBytes = await BytesPerTokenAsync(thick);

        Assert.InRange(thinBytes, 10, 60);
        Assert.True(thickBytes > 4 * thin.Config.Hidden, $"{thickBytes} bytes a token with local ends");

        static async Task<double> BytesPerTokenAsync(SwarmClient client)
        {
            GenerationResult few = await client.GenerateAsync(Prompt, Options(SamplingOptions.Greedy) with { MaxTokens = 10, SharesPrefix = false }).CompleteAsync();
            GenerationResult many = await client.GenerateAsync(Prompt, Options(SamplingOptions.Greedy) with { MaxTokens = 60, SharesPrefix = false }).CompleteAsync();
            return (many.Figures.SentBytes - few.Figures.SentBytes) / 50.0;
        }
    }

    [Fact]
    public async Task OpenSessionAsync_ThinClient_HasNoLogitsAndSaysWhy()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, SwarmCluster.Split(4, 2));
        await using SwarmClient thin = await ThinAsync(cluster);
        await using InferenceSession session = await thin.OpenSessionAsync();

        SwarmException refusal = await Assert.ThrowsAsync<SwarmException>(async () => await session.PrefillAsync(Prompt));

        Assert.Equal(FaultKind.InvalidArgument, refusal.Fault);
        Assert.Contains("local", refusal.Message);
        Assert.Equal(0, session.Length);
        Assert.Equal(EndsMode.Swarm, thin.EndsMode);
        Assert.Throws<SwarmException>(() => thin.Ends);
        Assert.Equal(FaultKind.InvalidArgument, (await Assert.ThrowsAsync<SwarmException>(async () => await thin.OpenSessionAsync(
            new ChainSessionOptions { Blocks = new BlockSpan(0, 2) }))).Fault);

        // Whoever brings hidden states along is served all the same.
        float[] hidden = [.. Enumerable.Range(0, 3 * thin.Config.Hidden).Select(index => (float)Math.Sin(index))];
        await using LocalModel local = cluster.OpenLocal();
        Assert.Equal(await local.ForwardAsync(new BlockSpan(1, 3), hidden, 3), await thin.ForwardAsync(new BlockSpan(1, 3), hidden, 3));
    }

    [Fact]
    public async Task GenerateAsync_SamplingThatCannotBe_FailsBeforeAnythingIsSent()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, new BlockSpan(0, 4));
        await using SwarmClient thin = await ThinAsync(cluster);

        await Assert.ThrowsAsync<ModelException>(() => thin.GenerateAsync(Prompt, Options(SamplingOptions.Greedy with { TopP = 0 })).CompleteAsync());

        Assert.Equal(0, cluster.Nodes[0].Sessions);
    }

    [Fact]
    public async Task GenerateAsync_NodeWithoutRoomForTheEnds_GoesElsewhereOrNamesTheBytes()
    {
        // Room for the blocks and their cache, and a byte too little for the ends.
        using ModelSource source = ModelSource.Open(TestModels.Llama);
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true);
        NodeOptions options = cluster.OptionsFor(new BlockSpan(0, 4));
        KvLayout layout = KvLayout.For(source.Config, source.Config.AllBlocks, options.Kernels);
        long least = source.StoredBytes(source.Config.AllBlocks) + layout.BytesFor(MemoryPlan.LeastTokens);
        await cluster.AddAsync(options with { MemoryBytes = least + source.StoredBytes(EndParts.Both) / 2 });
        await using SwarmClient thin = await ThinAsync(cluster);

        SwarmException refusal = await Assert.ThrowsAsync<SwarmException>(() => thin.GenerateAsync(Prompt, Options(Sampled)).CompleteAsync());
        Assert.Equal(FaultKind.NoCapacity, refusal.Fault);
        Assert.Contains($"{source.StoredBytes(EndParts.Both)} bytes", refusal.Message);

        await cluster.AddAsync(new BlockSpan(0, 4));
        await thin.RefreshAsync();
        GenerationResult result = await thin.GenerateAsync(Prompt, Options(Sampled)).CompleteAsync();
        await using LocalModel local = cluster.OpenLocal();
        Assert.Equal((await local.GenerateAsync(Prompt, Options(Sampled)).CompleteAsync()).Tokens, result.Tokens);
        Assert.Equal(cluster.Nodes[1].Peer, result.Route.Hops.Single().Peer);
    }

    [Fact]
    public async Task GenerateAsync_Again_LoadsTheEndsOnce()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, SwarmCluster.Split(4, 2));
        using ModelSource source = ModelSource.Open(TestModels.Llama);
        long[] before = [.. cluster.Nodes.Select(node => node.WeightBytes)];
        await using SwarmClient thin = await ThinAsync(cluster);

        await thin.GenerateAsync(Prompt, Options(Sampled)).CompleteAsync();
        long[] after = [.. cluster.Nodes.Select(node => node.WeightBytes)];
        await thin.GenerateAsync(Prompt, Options(Penalized)).CompleteAsync();

        Assert.All(after.Zip(before), pair => Assert.True(pair.First > pair.Second, "an end was not loaded"));
        Assert.Equal(after, cluster.Nodes.Select(node => node.WeightBytes));
    }

    [Theory]
    [InlineData(0, 0, false)]
    [InlineData(1, 0, true)]
    [InlineData(2, 0, false)]
    [InlineData(0, 10, true)]
    [InlineData(1, 10, false)]
    [InlineData(2, 10, true)]
    public async Task GenerateAsync_HopDies_GoesOnWithTheSameText(int dead, int token, bool sampled)
    {
        BlockSpan[] spans = SwarmCluster.Split(4, 3);
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, [.. spans, .. spans]);
        await using SwarmClient thin = await ThinAsync(cluster);

        (GenerationResult result, IReadOnlyList<ChainRecovery> recoveries) = await KillAsync(cluster, thin, token, [dead], Options(sampled ? Penalized : SamplingOptions.Greedy));

        // On a machine that is busy a hop may be left later on as too slow: the text is the same.
        ChainRecovery recovery = recoveries[0];
        Assert.Equal(spans[dead], recovery.Blocks);
        Assert.Equal((Prompt.Length + token, 1, 0L), (recovery.ReplayedTokens, recovery.ReplayDepth, recovery.RecomputedDownstreamTokens));
        Assert.All(result.Figures.Hops, hop => Assert.Equal(0, hop.RecomputedTokens));
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 2)]
    [InlineData(0, 2)]
    public async Task GenerateAsync_TwoHopsDieAtOnce_GoesOnWithTheSameText(int one, int other)
    {
        BlockSpan[] spans = SwarmCluster.Split(4, 3);
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, [.. spans, .. spans]);
        await using SwarmClient thin = await ThinAsync(cluster);

        (_, IReadOnlyList<ChainRecovery> recoveries) = await KillAsync(cluster, thin, 10, [one, other], Options(Penalized));

        Assert.NotEmpty(recoveries);
    }

    [Fact]
    public async Task SendAsync_ChatOfAThinClient_KeepsCachesUntilItsSamplingChanges()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestData.DefaultModel, inMemory: true, SwarmCluster.Split(30, 3));
        await using SwarmClient thin = await ThinAsync(cluster);
        await using SwarmClient thick = await cluster.ConnectAsync();
        await using ChatSession chat = thin.StartChat();
        await using ChatSession same = thick.StartChat();
        var greedy = new GenerationOptions { MaxTokens = 16, SharesPrefix = false };
        GenerationOptions sampled = greedy with { Sampling = Sampled with { RepeatPenalty = 1.1f } };
        var prefilled = new List<int>();
        foreach ((string text, GenerationOptions options) in new[] { ("Name one colour.", greedy), ("And another one?", greedy), ("Which is nicer?", sampled) })
        {
            string answer = await SayAsync(chat, text, options);
            prefilled.Add(chat.PrefilledTokens);
            Assert.Equal(await SayAsync(same, text, options), answer);
            Assert.NotEmpty(answer);
        }

        Assert.True(prefilled[1] < prefilled[0] && prefilled[2] > prefilled[0], string.Join(' ', prefilled));
    }

    [Theory]
    [InlineData(100, 30, 70)]
    [InlineData(100, 0, 100)]
    [InlineData(100, 101, 0)]
    public void BlockMicros_TimeOfTheEnds_DoesNotMakeAHopSlow(ulong compute, ulong ends, ulong blocks) =>
        Assert.Equal(blocks, HopObserver.BlockMicros(new HopTelemetry { ComputeMicros = compute, EndsMicros = ends }));

    [Fact]
    public void Write_AnySampling_SaysEveryField()
    {
        SamplingTerms terms = SamplingWire.Write(new SamplingOptions { Temperature = 0.5f, TopK = 3, TopP = 0.25f, MinP = 0.125f, RepeatPenalty = 2, RepeatLastN = 0, Seed = ulong.MaxValue });

        Assert.Equal(
            (0.5f, 3u, 0.25f, 0.125f, 2f, true, 0u, ulong.MaxValue),
            (terms.Temperature, terms.TopK, terms.TopP, terms.MinP, terms.RepeatPenalty, terms.HasRepeatLastN, terms.RepeatLastN, terms.Seed));
        Assert.False(SamplingWire.Write(SamplingOptions.Greedy).HasRepeatLastN);
    }

    private static GenerationOptions Options(SamplingOptions sampling) =>
        new() { MaxTokens = 48, StopAtEndOfSequence = false, PrefillChunk = 16, Sampling = sampling };

    private static Task<SwarmClient> ThinAsync(SwarmCluster cluster) => SwarmClient.ConnectAsync(cluster.ClientOptions() with { Ends = EndsMode.Swarm });

    private static async Task<string> SayAsync(ChatSession chat, string text, GenerationOptions options)
    {
        string answer = "";
        await foreach (GeneratedToken token in chat.SendAsync(text, options))
            answer += token.Text;
        return answer;
    }

    // Generates, kills hops after a token, and compares the text with that of one process.
    private static async Task<(GenerationResult Result, IReadOnlyList<ChainRecovery> Recoveries)> KillAsync(
        SwarmCluster cluster, SwarmClient thin, int token, int[] dead, GenerationOptions options)
    {
        await using LocalModel local = cluster.OpenLocal();
        GenerationResult expected = await local.GenerateAsync(Prompt, options).CompleteAsync();
        List<ChainRecovery> recoveries = [];
        ChainRoute? opened = null;
        Generation generation = thin.GenerateAsync(Prompt, options with { RouteOpened = route => opened = route, Recovered = recoveries.Add });
        await EnumerateAsync().WaitAsync(Patience);
        Assert.Equal(expected.Tokens, generation.Result.Tokens);
        return (generation.Result, recoveries);

        async Task EnumerateAsync()
        {
            await foreach (GeneratedToken seen in generation)
            {
                if (seen.Position != Prompt.Length + token)
                    continue;
                foreach (int hop in dead)
                    await cluster.KillAsync(cluster.Nodes.ToList().FindIndex(node => node.Peer == opened!.Hops[hop].Peer));
            }
        }
    }
}
