using Swarm.Models;
using Swarm.Testing;

namespace Swarm.Client.Tests;

/// <summary>Small models for tests.</summary>
internal static class TestModels
{
    /// <summary>A seeded random model of the Llama shape; 12 blocks or more.</summary>
    public const string Random = "random:1MiB:q4_0:7";

    /// <summary>Four blocks in Hugging Face layout, without a tokenizer.</summary>
    public static string Llama => TestData.Path("families/llama");

    public static int BlocksOf(string model)
    {
        using ModelSource source = ModelSource.Open(model);
        return source.Config.Blocks;
    }

    /// <summary>Logits after a prompt, some steps, a rollback and another prompt.</summary>
    public static async Task<float[][]> LogitsAsync(LanguageModel model, ChainSessionOptions? options = null, int chunk = 5)
    {
        int[] prompt = [5, 17, 3, 88, 41, 100, 7, 9, 121, 64, 33, 2];
        var all = new List<float[]>();
        await using InferenceSession session = await model.OpenSessionAsync(options);
        all.Add((await session.PrefillAsync(prompt, chunk)).ToArray());
        for (int step = 0; step < 4; step++)
            all.Add((await session.StepAsync(step * 11 + 1)).ToArray());
        session.Rollback(6);
        all.Add((await session.PrefillAsync(new[] { 1, 2, 3 })).ToArray());
        return [.. all];
    }

    public static void AssertSameBits(float[][] expected, float[][] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int step = 0; step < expected.Length; step++)
            Assert.True(expected[step].AsSpan().SequenceEqual(actual[step]), $"logits of step {step} differ");
    }
}
