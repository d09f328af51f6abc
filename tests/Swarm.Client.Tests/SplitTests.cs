using Swarm.Models;
using Swarm.Testing;

namespace Swarm.Client.Tests;

/// <summary>Any split of a model over nodes computes what one process computes, bit for bit.</summary>
public sealed class SplitTests
{
    private static readonly int[] Prompt = [5, 17, 3, 88, 41, 200, 7, 9, 121, 64, 33, 2];

    [Theory]
    [InlineData(1, true)]
    [InlineData(2, true)]
    [InlineData(3, true)]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(3, false)]
    public async Task Logits_AnySplit_EqualLocalBits(int nodes, bool inMemory)
    {
        string model = "random:1MiB:q4_0:7";
        int blocks = BlocksOf(model);
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(model, inMemory, SwarmCluster.Split(blocks, nodes));
        await using SwarmClient swarm = await cluster.ConnectAsync();
        await using LocalModel local = cluster.OpenLocal();

        float[][] expected = await LogitsAsync(local);
        float[][] actual = await LogitsAsync(swarm);

        for (int step = 0; step < expected.Length; step++)
            Assert.True(expected[step].AsSpan().SequenceEqual(actual[step]), $"logits of step {step} differ");
    }

    internal static int BlocksOf(string model)
    {
        using ModelSource source = ModelSource.Open(model);
        return source.Config.Blocks;
    }

    private static async Task<float[][]> LogitsAsync(LanguageModel model)
    {
        var all = new List<float[]>();
        await using InferenceSession session = await model.OpenSessionAsync();
        all.Add((await session.PrefillAsync(Prompt, chunk: 5)).ToArray());
        for (int step = 0; step < 4; step++)
            all.Add((await session.StepAsync(step * 11 + 1)).ToArray());
        // Back and on again with other tokens.
        session.Rollback(6);
        all.Add((await session.PrefillAsync(new[] { 1, 2, 3 })).ToArray());
        return [.. all];
    }
}
