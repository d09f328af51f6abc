using System.Text.Json;
using Swarm.Kernels.Reference;
using Swarm.Models.Blocks;
using Swarm.Models.Files;
using Swarm.Models.Tests.Blocks;
using Swarm.Testing;

namespace Swarm.Models.Tests.Families;

/// <summary>Small random models against what transformers computes with them.</summary>
public sealed class FamilyGoldenTests
{
    private const double Tolerance = 1e-3;

    public static TheoryData<string> Families =>
    [
        "llama", "llama-tied", "llama3-rope", "mistral-window", "qwen2", "qwen3", "olmo2", "gemma2", "gemma3", "phi", "phi3", "gpt-neox", "bloom", "gpt2", "falcon", "mixtral",
        "qwen3-moe", "glm4-moe", "deepseek-v3", "gpt-oss",
    ];

    [Theory]
    [MemberData(nameof(Families))]
    public void Forward_OnePass_AllHiddenStatesAndLogitsEqualTheReference(string family)
    {
        using var runner = new ModelRunner(TestData.Path($"families/{family}"), new ReferenceKernels());
        using SafetensorsFile expected = SafetensorsFile.Open(TestData.Path($"families/{family}/expected.safetensors"));
        int[] ids = Ids(family);
        int width = runner.Config.Hidden;
        using KvCache cache = runner.Pool.CreateCache();
        var hidden = new float[ids.Length * width];
        runner.Ends.Embed(ids, 0, hidden);
        Numbers.AssertClose(Numbers.Floats(expected, "hidden.0"), hidden, Tolerance, "embedding");
        for (int block = 0; block < runner.Config.Blocks; block++)
        {
            runner.Stack.Forward(hidden, [new StackStep(cache, 0, ids.Length)], new BlockSpan(block, block + 1));
            float[] compared = hidden;
            if (block == runner.Config.Blocks - 1)
            {
                // transformers takes the last one after the final norm.
                compared = new float[hidden.Length];
                runner.Ends.FinalNorm(hidden, ids.Length, compared);
            }

            Numbers.AssertClose(Numbers.Floats(expected, $"hidden.{block + 1}"), compared, Tolerance, $"hidden.{block + 1}");
        }

        Numbers.AssertClose(Numbers.Floats(expected, "logits"), runner.LogitsOf(hidden), Tolerance, "logits");
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void Forward_UnevenSteps_LogitsEqualTheReference(string family)
    {
        using var runner = new ModelRunner(TestData.Path($"families/{family}"), new ReferenceKernels());
        using SafetensorsFile expected = SafetensorsFile.Open(TestData.Path($"families/{family}/expected.safetensors"));
        float[] logits = runner.Logits(Ids(family), 7, 1, 1, 5, 2, 11, 3);
        Numbers.AssertClose(Numbers.Floats(expected, "logits"), logits, Tolerance, "logits");
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void Forward_Greedy_ChoosesTheReferencesIds(string family)
    {
        using var runner = new ModelRunner(TestData.Path($"families/{family}"), new ReferenceKernels());
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(TestData.Path($"families/{family}/expected.json")));
        int[] prompt = Numbers.Ids(json.RootElement, "greedy_prompt");
        int[] greedy = Numbers.Ids(json.RootElement, "greedy");
        double[] margins = Numbers.Doubles(json.RootElement, "greedy_margins");

        // The reference's own ids are fed, so that a legitimate other choice at a small margin does not hide what follows.
        float[] logits = runner.Logits([.. prompt, .. greedy], prompt.Length, 1);
        int checkedCount = 0;
        for (int i = 0; i < greedy.Length; i++)
        {
            if (margins[i] <= 1e-2)
                continue;
            int row = prompt.Length - 1 + i;
            Assert.Equal(greedy[i], Numbers.ArgMax(logits.AsSpan(row * runner.Config.Vocabulary, runner.Config.Vocabulary)));
            checkedCount++;
        }

        Assert.True(checkedCount > greedy.Length / 2, $"only {checkedCount} of {greedy.Length} margins are large enough to compare");
    }

    private static int[] Ids(string family)
    {
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(TestData.Path($"families/{family}/expected.json")));
        return Numbers.Ids(json.RootElement, "ids");
    }
}
