using System.Text.Json;
using Swarm.Kernels.Cpu;
using Swarm.Kernels.Reference;
using Swarm.Models.Blocks;
using Swarm.Models.Files;
using Swarm.Models.Tests.Blocks;
using Swarm.Testing;

namespace Swarm.Models.Tests.Families;

/// <summary>The real model against what transformers computes with its dequantized weights.</summary>
public sealed class SmolLm2GoldenTests
{
    private const double Tolerance = 1e-3;
    private const double ReferenceMargin = 1e-2;
    private const double FastMargin = 0.5;
    private static readonly int[] HiddenBlocks = [0, 1, 10, 20, 30];

    [Fact]
    public void Reference_EveryPrompt_LogitsAndHiddenStatesEqualTheReference()
    {
        using var runner = new ModelRunner(TestData.DefaultModel, new ReferenceKernels(2));
        using SafetensorsFile expected = SafetensorsFile.Open(TestData.Path("smollm2/logits.safetensors"));
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(TestData.Path("smollm2/logits.json")));
        int prompt = 0;
        foreach (JsonElement item in json.RootElement.EnumerateArray())
        {
            int[] ids = Numbers.Ids(item, "ids");
            float[] hidden = HiddenStates(runner, ids, expected, $"p{prompt}");
            CompareLogits(runner, hidden, expected, $"p{prompt}");
            prompt++;
        }

        Assert.Equal(6, prompt);
    }

    [Theory]
    [InlineData(0, 32)]
    [InlineData(3, 16)]
    public void Reference_Greedy_ChoosesTheReferencesIds(int prompt, int tokens)
    {
        using var runner = new ModelRunner(TestData.DefaultModel, new ReferenceKernels(2));
        Assert.True(GreedyAgrees(runner, prompt, tokens, ReferenceMargin) > tokens * 3 / 4);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void Fast_Greedy_ChoosesTheReferencesIdsWhereTheMarginIsLarge(int prompt)
    {
        using var runner = new ModelRunner(TestData.DefaultModel, new CpuKernels(2));
        Assert.True(GreedyAgrees(runner, prompt, 96, FastMargin) > 20);
    }

    [Fact]
    public void Fast_Perplexity_MeanLossIsWithinOnePercent()
    {
        using var runner = new ModelRunner(TestData.DefaultModel, new CpuKernels(2), positions: 1024);
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(TestData.Path("smollm2/perplexity.json")));
        foreach (JsonProperty text in json.RootElement.EnumerateObject())
        {
            int[] ids = Numbers.Ids(text.Value, "ids");
            double[] losses = Numbers.Doubles(text.Value, "nll");
            float[] hidden = runner.Hidden(ids);
            double sum = 0;
            for (int position = 0; position < losses.Length; position++)
            {
                float[] logits = runner.LogitsOf(hidden.AsSpan(position * runner.Config.Hidden, runner.Config.Hidden));
                sum += LogSumExp(logits) - logits[ids[position + 1]];
            }

            double mean = sum / losses.Length;
            double expected = text.Value.GetProperty("mean").GetDouble();
            Assert.True(Math.Abs(mean / expected - 1) < 0.01, $"{text.Name}: mean loss {mean}, expected {expected} within 1 %");
        }
    }

    private static float[] HiddenStates(ModelRunner runner, int[] ids, SafetensorsFile expected, string name)
    {
        using KvCache cache = runner.Pool.CreateCache();
        var hidden = new float[ids.Length * runner.Config.Hidden];
        runner.Ends.Embed(ids, 0, hidden);
        int from = 0;
        foreach (int block in HiddenBlocks)
        {
            if (block > from)
                runner.Stack.Forward(hidden, [new StackStep(cache, 0, ids.Length)], new BlockSpan(from, block));
            from = block;
            if (!expected.TryGet($"{name}.hidden.{block}", out _))
                continue;
            float[] compared = hidden;
            if (block == runner.Config.Blocks)
            {
                compared = new float[hidden.Length];
                runner.Ends.FinalNorm(hidden, ids.Length, compared);
            }

            // Hidden states reach 27,000 in a few channels, where float32 has steps of 0.002: so relative beyond 1.
            float[] wanted = Numbers.Floats(expected, $"{name}.hidden.{block}");
            for (int i = 0; i < wanted.Length; i++)
            {
                double bound = Tolerance * Math.Max(1, Math.Abs(wanted[i]));
                Assert.True(Math.Abs((double)wanted[i] - compared[i]) <= bound, $"{name}.hidden.{block}[{i}] is {compared[i]}, expected {wanted[i]} ± {bound}");
            }
        }

        return hidden;
    }

    private static void CompareLogits(ModelRunner runner, float[] hidden, SafetensorsFile expected, string name)
    {
        float[] topLogits = Numbers.Floats(expected, $"{name}.top_logits");
        int[] topIds = Numbers.Integers(expected, $"{name}.top_ids");
        float[] logSums = Numbers.Floats(expected, $"{name}.logsumexp");
        int best = topIds.Length / logSums.Length;
        int vocabulary = runner.Config.Vocabulary;
        float[] logits = runner.LogitsOf(hidden);
        for (int position = 0; position < logSums.Length; position++)
        {
            ReadOnlySpan<float> row = logits.AsSpan(position * vocabulary, vocabulary);
            var seen = new float[best];
            for (int i = 0; i < best; i++)
                seen[i] = row[topIds[position * best + i]];
            Numbers.AssertClose(topLogits.AsSpan(position * best, best), seen, Tolerance, $"{name} top logits at {position}");
            Assert.Equal(logSums[position], LogSumExp(row), Tolerance);
        }

        if (expected.TryGet($"{name}.last_logits", out _))
            Numbers.AssertClose(Numbers.Floats(expected, $"{name}.last_logits"), logits.AsSpan(logits.Length - vocabulary), Tolerance, $"{name} last logits");
    }

    /// <summary>Feeds the reference's own ids and compares the choice wherever its margin is over a bound; returns how many were compared.</summary>
    private static int GreedyAgrees(ModelRunner runner, int prompt, int tokens, double margin)
    {
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(TestData.Path("smollm2/logits.json")));
        JsonElement item = json.RootElement[prompt];
        int[] ids = Numbers.Ids(item, "ids");
        int[] greedy = Numbers.Ids(item, "greedy");
        double[] margins = Numbers.Doubles(item, "margins");
        float[] hidden = runner.Hidden([.. ids, .. greedy.AsSpan(0, tokens - 1)]);
        float[] logits = runner.LogitsOf(hidden.AsSpan((ids.Length - 1) * runner.Config.Hidden));
        int compared = 0;
        for (int i = 0; i < tokens; i++)
        {
            if (margins[i] <= margin)
                continue;
            Assert.Equal(greedy[i], Numbers.ArgMax(logits.AsSpan(i * runner.Config.Vocabulary, runner.Config.Vocabulary)));
            compared++;
        }

        return compared;
    }

    private static double LogSumExp(ReadOnlySpan<float> logits)
    {
        double most = double.NegativeInfinity;
        foreach (float logit in logits)
            most = Math.Max(most, logit);
        double sum = 0;
        foreach (float logit in logits)
            sum += Math.Exp(logit - most);
        return most + Math.Log(sum);
    }
}
