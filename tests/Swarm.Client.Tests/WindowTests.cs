using Swarm.Kernels.Cpu;
using Swarm.Models;
using Swarm.Models.Blocks;
using Swarm.Node;
using Swarm.Testing;

namespace Swarm.Client.Tests;

/// <summary>Models whose blocks see a window: nodes keep no more than that of a session, which goes back, is mended and begins with what another left as any other.</summary>
public sealed class WindowTests
{
    private const string Model = "random:500KiB:bf16:7:70/2";
    private const int PromptTokens = 300;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static int[] Prompt => [.. Enumerable.Range(0, PromptTokens).Select(index => ((index * 37) + (index / 9)) % 250)];

    private static BlockSpan[] Thirds => SwarmCluster.Split(TestModels.BlocksOf(Model), 3);

    [Fact]
    public async Task Rollback_WithinAndBeyondTheWindow_SameLogitsAsGoingStraight()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(Model, inMemory: true, Thirds);
        await using SwarmClient swarm = await cluster.ConnectAsync();
        await using LocalModel local = cluster.OpenLocal();
        await using InferenceSession session = await swarm.OpenSessionAsync();
        await using InferenceSession alone = await local.OpenSessionAsync();
        foreach (InferenceSession each in new[] { session, alone })
        {
            AssertSame(await StraightAsync(local, Prompt), await each.PrefillAsync(Prompt));
            each.Rollback(PromptTokens - 2);
            int[] next = [.. Prompt[..^2], 9];
            AssertSame(await StraightAsync(local, next), await each.StepAsync(9));

            // What the windows need before position 100 is written over.
            each.Rollback(100);
            AssertSame(await StraightAsync(local, [.. Prompt[..100], 1, 2, 3]), await each.PrefillAsync(new[] { 1, 2, 3 }));
            AssertSame(await StraightAsync(local, [.. Prompt[..100], 1, 2, 3, 4]), await each.StepAsync(4));
            each.Rollback(0);
            AssertSame(await StraightAsync(local, Prompt[50..290]), await each.PrefillAsync(Prompt.AsMemory(50, 240), chunk: 100));
            Assert.False(each.TryTakeRecovery(out _));
        }

        Assert.All(session.Figures.Hops, hop => Assert.True(hop.RecomputedTokens >= 100, $"{hop.RecomputedTokens} tokens computed again"));
    }

    [Fact]
    public async Task PrefillAsync_FarBeyondTheWindow_NodesKeepWhatTheLayoutSays()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(Model, inMemory: true, Thirds);
        await using SwarmClient swarm = await cluster.ConnectAsync();
        InferenceSession session = await swarm.OpenSessionAsync();
        int[] ids = [.. Prompt, .. Prompt, .. Prompt];
        await session.PrefillAsync(ids);
        await session.StepAsync(1);
        using ModelSource source = ModelSource.Open(Model);
        using var kernels = new CpuKernels(1);
        foreach (ChainHop hop in session.Route.Hops)
        {
            NodeHost node = cluster.Nodes.Single(node => node.Peer == hop.Peer);
            KvLayout layout = KvLayout.For(source.Config, hop.Blocks, kernels);
            Assert.Equal(layout.BytesFor(ids.Length + 1), node.CacheBytesUsed);
            Assert.True(node.CacheBytesUsed < 0.65 * (ids.Length / 64 * layout.PageBytes));
        }

        await session.DisposeAsync();
        await cluster.WaitUntilIdleAsync();
        Assert.All(cluster.Nodes, node => Assert.Equal(0, node.CacheBytesUsed));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task StepAsync_HopDies_ItsReplacementIsFedAllAndTheOthersNothing(int dead)
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(Model, inMemory: true, [.. Thirds, .. Thirds]);
        await using SwarmClient swarm = await cluster.ConnectAsync();
        await using LocalModel local = cluster.OpenLocal();
        await using InferenceSession session = await swarm.OpenSessionAsync();
        await session.PrefillAsync(Prompt);
        await cluster.KillAsync(cluster.Nodes.ToList().FindIndex(node => node.Peer == session.Route.Hops[dead].Peer));

        ReadOnlyMemory<float> logits = await session.StepAsync(7).AsTask().WaitAsync(Patience);

        AssertSame(await StraightAsync(local, [.. Prompt, 7]), logits);
        Assert.True(session.TryTakeRecovery(out ChainRecovery? recovery));
        Assert.Equal((PromptTokens, 1, 0L), (recovery.ReplayedTokens, recovery.ReplayDepth, recovery.RecomputedDownstreamTokens));
        AssertSame(await StraightAsync(local, [.. Prompt, 7, 8]), await session.StepAsync(8));
    }

    [Theory]
    [InlineData(EndsMode.Local)]
    [InlineData(EndsMode.Swarm)]
    public async Task GenerateAsync_SameBeginningAgain_BeginsWithTheLastPagesOfTheWindow(EndsMode ends)
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(Model, inMemory: true, Thirds);
        await using SwarmClient swarm = await SwarmClient.ConnectAsync(cluster.ClientOptions() with { Ends = ends });
        await using LocalModel local = cluster.OpenLocal();
        GenerationOptions options = new() { MaxTokens = 150, StopAtEndOfSequence = false };
        int[] other = [.. Prompt[..270], .. Prompt[..90]];

        GenerationResult first = await swarm.GenerateAsync(Prompt, options).CompleteAsync();
        GenerationResult second = await swarm.GenerateAsync(Prompt, options).CompleteAsync();
        GenerationResult third = await swarm.GenerateAsync(other, options).CompleteAsync();

        Assert.Equal((await local.GenerateAsync(Prompt, options).CompleteAsync()).Tokens, first.Tokens);
        Assert.Equal(first.Tokens, second.Tokens);
        Assert.Equal((await local.GenerateAsync(other, options).CompleteAsync()).Tokens, third.Tokens);
        Assert.Equal((0, 288, 256), (first.PrefixTokens, second.PrefixTokens, third.PrefixTokens));
    }

    private static async Task<ReadOnlyMemory<float>> StraightAsync(LocalModel local, int[] ids)
    {
        await using InferenceSession session = await local.OpenSessionAsync();
        return (await session.PrefillAsync(ids)).ToArray();
    }

    private static void AssertSame(ReadOnlyMemory<float> expected, ReadOnlyMemory<float> actual) => Assert.True(expected.Span.SequenceEqual(actual.Span), "logits differ");
}
