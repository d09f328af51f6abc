using Swarm.Models.Files;
using Swarm.Models.Tokenizers;
using Swarm.Testing;

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
    [InlineData("unigram-ja")]
    public void FromTokenizerJson_RealVocabulary_EqualsReferenceInEveryCase(string folder)
    {
        Tokenizer tokenizer = GoldenTokenizers.Load(folder);
        List<GoldenCase> cases = GoldenTokenizers.Cases(folder);
        Assert.True(cases.Count > 300);
        List<string> differences = GoldenTokenizers.Differences(tokenizer, cases);
        Assert.True(differences.Count == 0, $"{differences.Count} differences:\n{string.Join("\n", differences.Take(10))}");
    }

    [SkippableTheory]
    [InlineData("falcon")]
    [InlineData("phi-3")]
    public void FromGguf_RealVocabulary_EqualsReferenceInEveryCase(string folder)
    {
        string zipped = TestData.SharedOrSkip($"golden/tokenizers/{folder}/vocab.gguf.gz");
        using var temporary = new TemporaryFolder();
        string path = Path.Combine(temporary.Path, "vocab.gguf");
        File.WriteAllBytes(path, GoldenTokenizers.Unzip(zipped));
        using GgufFile file = GgufFile.Open(path);
        Tokenizer tokenizer = TokenizerLoader.FromGguf(file.Metadata)!;
        List<string> differences = GoldenTokenizers.Differences(tokenizer, GoldenTokenizers.Cases(folder));
        Assert.True(differences.Count == 0, $"{differences.Count} differences:\n{string.Join("\n", differences.Take(10))}");
        List<GoldenCase> others = GoldenTokenizers.OthersCases(folder);
        Assert.True(others.Count > 40);
        Assert.All(others, c => Assert.Equal(c.Ids, tokenizer.Encode(c.Text)));
    }
}
