using Swarm.Models;
using Swarm.Models.Sampling;
using Swarm.Node;
using Swarm.Protocol.Transport;
using Swarm.Testing;

namespace Swarm.Client.Tests;

/// <summary>Sessions together, and the counters that show which way was taken.</summary>
public sealed class SessionTests
{
    [Fact]
    public async Task ForwardTogetherAsync_EightSessions_ShareLocalPassesAndKeepTheirBits()
    {
        await using LocalModel local = LocalModel.Load(new LocalModelOptions
        {
            Source = ModelSource.Open(TestModels.Llama),
            Kernels = new Kernels.Cpu.CpuKernels(1),
        });
        await TogetherAsync(local);
    }

    [Fact]
    public async Task ForwardTogetherAsync_EightSessionsInASwarm_KeepTheirBits()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: false, SwarmCluster.Split(4, 2));
        await using SwarmClient swarm = await cluster.ConnectAsync();
        await TogetherAsync(swarm);
    }

    [Fact]
    public async Task ForwardTogetherAsync_StepsThatWaitAtANode_ShareOnePass()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true);
        var executor = new HeldExecutor();
        NodeHost node = await cluster.AddAsync(cluster.OptionsFor(new BlockSpan(0, 4)) with { Executor = executor });
        await using SwarmClient swarm = await cluster.ConnectAsync();
        var sessions = new InferenceSession[8];
        for (int index = 0; index < sessions.Length; index++)
            sessions[index] = await swarm.OpenSessionAsync();
        Memory<float>[] results = [.. sessions.Select(_ => new float[swarm.Config.Hidden])];
        ReadOnlyMemory<int>[] ids = [.. sessions.Select(_ => new ReadOnlyMemory<int>([7]))];

        // The first step waits for the device; the others come meanwhile.
        executor.Hold();
        ValueTask together = swarm.ForwardTogetherAsync(sessions, ids, OutputRows.Last, results);
        executor.Release();
        await together;

        Assert.Equal((2L, 7L), (node.Passes, node.SharedSteps));
        foreach (InferenceSession session in sessions)
            await session.DisposeAsync();
    }

    [Fact]
    public async Task Decode_ThreeHopsOverSockets_RidesOnLanes()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: false, SwarmCluster.Split(4, 3));
        GrpcTransport? transport = null;
        await using SwarmClient swarm = await SwarmClient.ConnectAsync(
            cluster.ClientOptions() with { Transport = credentials => transport = (GrpcTransport)cluster.NewTransport(credentials) });
        await using InferenceSession session = await swarm.OpenSessionAsync();
        await session.ForwardAsync(new int[] { 1, 2, 3 }, OutputRows.Last, new float[swarm.Config.Hidden]);

        // Client to first and last, each node to the next.
        Assert.Equal(2, transport!.Calls.Lane);
        Assert.Equal([1, 1, 0], cluster.Transports.Select(node => ((GrpcTransport)node).Calls.Lane));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Figures_ThreeHops_CountEveryStepAsForwardedDirectly(bool inMemory)
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory, SwarmCluster.Split(4, 3));
        await using SwarmClient swarm = await cluster.ConnectAsync();

        GenerationResult result = await swarm.GenerateAsync([1, 2, 3, 4, 5], new GenerationOptions { MaxTokens = 20, StopAtEndOfSequence = false }).CompleteAsync();

        // A client that relays would send each step once a hop.
        Assert.Equal(20, result.Figures.Steps);
        Assert.Equal([20L, 20, 20], result.Figures.Hops.Select(hop => hop.ForwardedDirectly));
        Assert.Equal([24L, 24, 24], result.Figures.Hops.Select(hop => hop.Tokens));
        Assert.Equal(4.0, result.Figures.HiddenBytesPerValue);
        Assert.All(result.Figures.Hops, hop => Assert.True(hop.ComputeSeconds > 0 && hop.NetworkSeconds > 0 && hop.QueueSeconds >= 0));
        int values = 64 * sizeof(float);
        Assert.InRange(result.Figures.SentBytes, 24 * values, 24 * values + 20 * 100 + 1000);
        Assert.InRange(result.Figures.ReceivedBytes, 20 * values, 20 * values + 20 * 300 + 1000);
    }

    [Theory]
    [InlineData("f16", 2.0, 2.0)]
    [InlineData("int8", 1.0, 1.8)]
    [InlineData("coarse", 0.5, 1.1)]
    public async Task Figures_Codec_ShowsBytesAValueBetweenNodes(string codec, double least, double most)
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, SwarmCluster.Split(4, 2));
        await using SwarmClient swarm = await cluster.ConnectAsync();

        GenerationResult result = await swarm.GenerateAsync([1, 2, 3], new GenerationOptions { MaxTokens = 5, Codec = codec, StopAtEndOfSequence = false }).CompleteAsync();

        Assert.InRange(result.Figures.HiddenBytesPerValue, least, most);
        Assert.Equal([2], result.Route.RoundingPoints);
    }

    [Fact]
    public async Task GenerateAsync_Sampled_GivesTheSameTokensLocallyAndInASwarm()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, SwarmCluster.Split(4, 3));
        await using SwarmClient swarm = await cluster.ConnectAsync();
        await using LocalModel local = cluster.OpenLocal();
        var options = new GenerationOptions
        {
            MaxTokens = 30,
            StopAtEndOfSequence = false,
            Sampling = new SamplingOptions { Temperature = 0.9f, TopK = 20, TopP = 0.95f, RepeatPenalty = 1.1f, Seed = 5 },
        };

        GenerationResult expected = await local.GenerateAsync([4, 5, 6], options).CompleteAsync();
        GenerationResult actual = await swarm.GenerateAsync([4, 5, 6], options).CompleteAsync();

        Assert.Equal(expected.Tokens, actual.Tokens);
        Assert.True(expected.Tokens.Distinct().Count() > 5);
    }

    [Fact]
    public async Task StepAsync_EarlierWaitCancelled_GoesOnWithTheSameBits()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: false, new BlockSpan(0, 2));
        var executor = new HeldExecutor();
        await cluster.AddAsync(cluster.OptionsFor(new BlockSpan(2, 4)) with { Executor = executor });
        await using SwarmClient swarm = await cluster.ConnectAsync();
        await using LocalModel local = cluster.OpenLocal();
        await using InferenceSession expected = await local.OpenSessionAsync();
        await using InferenceSession actual = await swarm.OpenSessionAsync();
        int[] prompt = [.. Enumerable.Range(0, 40)];
        await expected.PrefillAsync(prompt);
        await expected.StepAsync(5);

        using var cancellation = new CancellationTokenSource();
        executor.Hold();
        ValueTask<ReadOnlyMemory<float>> prefill = actual.PrefillAsync(prompt, 40, cancellation.Token);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await prefill);
        executor.Release();
        Assert.True(actual.IsUsable);
        Assert.Equal(40, actual.Length);
        await actual.StepAsync(5);

        Assert.Equal((await expected.StepAsync(6)).ToArray(), (await actual.StepAsync(6)).ToArray());
    }

    [Fact]
    public async Task StartAsync_NoBlocksNamed_TakesAllThatItsMemoryHolds()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, new BlockSpan(1, 2));

        await cluster.AddAsync(blocks: null);
        await cluster.AddAsync(blocks: null);

        // As many as the memory holds: here, all.
        Assert.Equal(new BlockSpan(0, 4), cluster.Nodes[1].Blocks);
        Assert.Equal(new BlockSpan(0, 4), cluster.Nodes[2].Blocks);
    }

    private static async Task TogetherAsync(LanguageModel model)
    {
        const int count = 8;
        int hidden = model.Config.Hidden;
        var sessions = new InferenceSession[count];
        var alone = new float[count][];
        for (int index = 0; index < count; index++)
        {
            int[] ids = [index, index + 1, index + 2];
            await using (InferenceSession single = await model.OpenSessionAsync())
            {
                await single.PrefillAsync(ids);
                alone[index] = new float[hidden];
                for (int step = 0; step < 12; step++)
                    await single.ForwardAsync(new[] { (step + index) % 90 }, OutputRows.Last, alone[index]);
            }

            sessions[index] = await model.OpenSessionAsync();
            await sessions[index].PrefillAsync(ids);
        }

        var results = new Memory<float>[count];
        for (int index = 0; index < count; index++)
            results[index] = new float[hidden];
        for (int step = 0; step < 12; step++)
        {
            ReadOnlyMemory<int>[] ids = [.. Enumerable.Range(0, count).Select(index => new ReadOnlyMemory<int>([(step + index) % 90]))];
            await model.ForwardTogetherAsync(sessions, ids, OutputRows.Last, results);
        }

        for (int index = 0; index < count; index++)
        {
            Assert.True(alone[index].AsSpan().SequenceEqual(results[index].Span), $"session {index} differs");
            await sessions[index].DisposeAsync();
        }
    }
}
