using Swarm.Models;
using Swarm.Testing;

namespace Swarm.Client.Tests;

/// <summary>Any split of a model over nodes computes what one process computes, bit for bit.</summary>
public sealed class SplitTests
{
    [Theory]
    [InlineData(1, true)]
    [InlineData(2, true)]
    [InlineData(3, true)]
    [InlineData(5, true)]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(3, false)]
    [InlineData(5, false)]
    public async Task Logits_AnySplit_EqualLocalBits(int nodes, bool inMemory)
    {
        BlockSpan[] spans = SwarmCluster.Split(TestModels.BlocksOf(TestModels.Random), nodes);
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Random, inMemory, spans);
        await using SwarmClient swarm = await cluster.ConnectAsync();
        await using LocalModel local = cluster.OpenLocal();

        TestModels.AssertSameBits(await TestModels.LogitsAsync(local), await TestModels.LogitsAsync(swarm));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(64)]
    public async Task Logits_AnyPrefillChunk_EqualLocalBits(int chunk)
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, SwarmCluster.Split(4, 2));
        await using SwarmClient swarm = await cluster.ConnectAsync();
        await using LocalModel local = cluster.OpenLocal();

        TestModels.AssertSameBits(await TestModels.LogitsAsync(local), await TestModels.LogitsAsync(swarm, chunk: chunk));
    }

    [Fact]
    public async Task Logits_OverlappingSpans_UsesThemInPart()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(
            TestModels.Llama, inMemory: true, new BlockSpan(0, 3), new BlockSpan(1, 4));
        await using SwarmClient swarm = await cluster.ConnectAsync();
        await using LocalModel local = cluster.OpenLocal();

        TestModels.AssertSameBits(await TestModels.LogitsAsync(local), await TestModels.LogitsAsync(swarm));
    }

    [Theory]
    [InlineData("f16")]
    [InlineData("int8")]
    [InlineData("fine")]
    [InlineData("medium")]
    [InlineData("coarse")]
    public async Task Logits_RoundedBetweenNodes_EqualLocalWithTheSameRoundingPoints(string codec)
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, SwarmCluster.Split(4, 2));
        await using SwarmClient swarm = await cluster.ConnectAsync();
        await using LocalModel local = cluster.OpenLocal();

        float[][] exact = await TestModels.LogitsAsync(local);
        float[][] rounded = await TestModels.LogitsAsync(local, new ChainSessionOptions { Codec = codec, RoundAt = [2] });

        TestModels.AssertSameBits(rounded, await TestModels.LogitsAsync(swarm, new ChainSessionOptions { Codec = codec }));
        Assert.False(exact[0].AsSpan().SequenceEqual(rounded[0]), "rounding changed nothing");
    }

    [Theory]
    [InlineData("int8", 0, 1, 3)]
    [InlineData("int8", 2, 4, -1)]
    [InlineData("coarse", 0, 1, 3)]
    [InlineData("medium", 2, 4, -1)]
    public async Task Logits_RoundedAtGivenPoints_DoNotDependOnTheSplit(string codec, int first, int second, int third)
    {
        int[] points = third < 0 ? [first, second] : [first, second, third];
        var options = new ChainSessionOptions { Codec = codec, RoundAt = points };
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, SwarmCluster.Split(4, 3));
        await using SwarmClient swarm = await cluster.ConnectAsync();
        await using LocalModel local = cluster.OpenLocal();

        TestModels.AssertSameBits(await TestModels.LogitsAsync(local, options), await TestModels.LogitsAsync(swarm, options));
    }

    [Fact]
    public async Task ForwardAsync_SomeBlocks_EqualsLocalAndTheWholeInTwoParts()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, SwarmCluster.Split(4, 2));
        await using SwarmClient swarm = await cluster.ConnectAsync();
        await using LocalModel local = cluster.OpenLocal();
        const int tokens = 200;
        float[] hidden = new float[tokens * local.Config.Hidden];
        local.Ends.Embed([.. Enumerable.Range(0, tokens).Select(index => index % 90)], 0, hidden);

        float[] middle = await swarm.ForwardAsync(new BlockSpan(1, 3), hidden, tokens);
        float[] whole = await swarm.ForwardAsync(new BlockSpan(0, 4), hidden, tokens);
        float[] half = await swarm.ForwardAsync(new BlockSpan(0, 1), hidden, tokens);
        float[] joined = await swarm.ForwardAsync(new BlockSpan(1, 4), half, tokens);

        Assert.Equal(await local.ForwardAsync(new BlockSpan(1, 3), hidden, tokens), middle);
        Assert.Equal(whole, joined);
    }
}
