using System.Text.Json;
using Swarm.Models.Files;
using Swarm.Models.Tokenizers;
using Swarm.Testing;

namespace Swarm.Models.Tests.Tokenizers;

public sealed class DefaultModelTokenizerTests
{
    private static readonly Lazy<Tokenizer> Loaded = new(() =>
    {
        using GgufFile file = GgufFile.Open(TestData.DefaultModelFile);
        return TokenizerLoader.FromGguf(file.Metadata)!;
    });

    private static Tokenizer Tokenizer => Loaded.Value;

    [Fact]
    public void Encode_EveryGoldenText_EqualsReferenceAndStreamsToTheSameText()
    {
        using JsonDocument golden = JsonDocument.Parse(File.ReadAllBytes(TestData.Path("smollm2/tokenizer.json")));
        List<GoldenCase> cases = [.. golden.RootElement.GetProperty("texts").EnumerateArray().Select(e => GoldenCase.Read(e, knowsSkip: false))];
        Assert.True(cases.Count >= 25);
        Assert.Equal([], GoldenTokenizers.Differences(Tokenizer, cases));
        foreach (GoldenCase c in cases)
        {
            StreamingDetokenizer stream = Tokenizer.CreateStream();
            string text = string.Concat(c.Ids.Select(stream.Push)) + stream.Flush();
            Assert.Equal(c.Decoded, text);
        }
    }

    [Fact]
    public void Encode_EveryGoldenChat_EqualsReference()
    {
        using JsonDocument golden = JsonDocument.Parse(File.ReadAllBytes(TestData.Path("smollm2/tokenizer.json")));
        List<GoldenCase> chats = [.. golden.RootElement.GetProperty("chats").EnumerateArray().Select(e => GoldenCase.Read(e, knowsSkip: false))];
        Assert.True(chats.Count >= 3);
        Assert.Equal([], GoldenTokenizers.Differences(Tokenizer, chats));
    }

    [Fact]
    public void SpecialTokens_OfDefaultModel_AreThoseOfTheFile()
    {
        Assert.Equal(49152, Tokenizer.VocabularySize);
        Assert.Equal(1, Tokenizer.SpecialTokens.Bos);
        Assert.Equal(2, Tokenizer.SpecialTokens.Eos);
        Assert.Equal(0, Tokenizer.SpecialTokens.Unknown);
        Assert.Equal(2, Tokenizer.SpecialTokens.ByContent["<|im_end|>"]);
        Assert.True(Tokenizer.IsSpecial(16));
        Assert.False(Tokenizer.IsSpecial(17));
        Assert.False(Tokenizer.IsSpecial(-1));
        Assert.Equal("byte-level BPE (smollm)", Tokenizer.Kind);
        Assert.Equal("hello", Tokenizer.Decode(Tokenizer.Encode("<|im_start|>hello<|im_end|>"), skipSpecial: true));
    }
}
