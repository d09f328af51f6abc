using Swarm.Models.Tokenizers;

namespace Swarm.Models.Tests.Tokenizers;

public sealed class GoldenTokenizerTests
{
    [SkippableTheory]
    [InlineData("mistral-nemo")]
    [InlineData("qwen3")]
    [InlineData("deepseek-v3")]
    [InlineData("gpt-neox")]
    [InlineData("yi")]
    [InlineData("mistral-v1-prepend")]
    [InlineData("mistral-v3-metaspace")]
    [InlineData("gpt2")]
    [InlineData("falcon")]
    public void FromTokenizerJson_RealVocabulary_EqualsReferenceInEveryCase(string folder)
    {
        Tokenizer tokenizer = GoldenTokenizers.Load(folder);
        List<GoldenCase> cases = GoldenTokenizers.Cases(folder);
        Assert.True(cases.Count > 300);
        List<string> differences = GoldenTokenizers.Differences(tokenizer, cases);
        Assert.True(differences.Count == 0, $"{differences.Count} differences:\n{string.Join("\n", differences.Take(10))}");
    }
}
