using System.Text.Json;
using Swarm.Models.Tokenizers;
using Swarm.Testing;

namespace Swarm.Models.Tests.Tokenizers;

public sealed class GgufTokenizerTests
{
    private static readonly GgufTokenizerFields Small = new()
    {
        Model = "gpt2", Pre = "gpt-2", Tokens = ["a", "b", "ab", "<s>", "Ġ", "</s>"], Types = [1, 1, 1, 3, 1, 4], Merges = ["a b"], Bos = 3, Eos = 5,
    };

    private static readonly GgufTokenizerFields SmallPieces = new()
    {
        Model = "llama", Tokens = ["<unk>", "<s>", "▁", "a", "b", "▁a", "ab", "▁ab", "<0x0A>"], Types = [2, 3, 1, 1, 1, 1, 1, 1, 6],
        Scores = [0, 0, -1, -2, -3, -5, -4, -6, 0], Bos = 1, Unknown = 0,
    };

    /// <summary>A GGUF file holds the name of a pre-tokenizer alone: each name must give what the model's own tokenizer.json gives.</summary>
    [SkippableTheory]
    [InlineData("gpt2", "gpt-2")]
    [InlineData("gpt-neox", "olmo")]
    [InlineData("qwen3", "qwen2")]
    [InlineData("mistral-nemo", "tekken")]
    [InlineData("deepseek-v3", "deepseek-v3")]
    [InlineData("falcon", "falcon")]
    public void Build_VocabularyUnderItsPreName_EqualsReferenceInEveryCase(string folder, string pre)
    {
        string path = TestData.SharedOrSkip($"golden/tokenizers/{folder}/tokenizer.json.gz");
        using JsonDocument json = JsonDocument.Parse(GoldenTokenizers.Unzip(path));
        Tokenizer tokenizer = GgufTokenizer.Build(Convert(json.RootElement, pre));
        IEnumerable<GoldenCase> cases = GoldenTokenizers.Cases(folder).Select(c => c with { IdsSpecial = c.Ids, DecodedSpecial = c.Decoded, DecodedSkip = null });
        List<string> differences = GoldenTokenizers.Differences(tokenizer, cases);
        Assert.True(differences.Count == 0, $"{differences.Count} differences:\n{string.Join("\n", differences.Take(10))}");
    }

    [Fact]
    public void Build_Flags_SayWhatIsAdded()
    {
        Assert.Equal([2], GgufTokenizer.Build(Small).Encode("ab", addSpecial: true));
        Assert.Equal([3, 2], GgufTokenizer.Build(Small with { AddBos = true }).Encode("ab", addSpecial: true));
        Assert.Equal([3, 2, 5], GgufTokenizer.Build(Small with { AddBos = true, AddEos = true }).Encode("ab", addSpecial: true));
        Assert.Equal([2], GgufTokenizer.Build(Small with { AddBos = true }).Encode("ab"));
        Assert.Equal([3, 2], GgufTokenizer.Build(Small with { Pre = "llama-bpe" }).Encode("ab", addSpecial: true));
        Assert.Equal([1, 7], GgufTokenizer.Build(SmallPieces).Encode("ab", addSpecial: true));
        Assert.Equal([7], GgufTokenizer.Build(SmallPieces with { AddBos = false }).Encode("ab", addSpecial: true));
    }

    [Fact]
    public void Build_TokenTypes_SayWhatIsRecognisedAndSkipped()
    {
        Tokenizer tokenizer = GgufTokenizer.Build(Small);
        Assert.Equal([2, 3, 5, 4, 0], tokenizer.Encode("ab<s></s> a"));
        Assert.Equal("ab<s></s> a", tokenizer.Decode([2, 3, 5, 4, 0]));
        Assert.Equal("ab</s> a", tokenizer.Decode([2, 3, 5, 4, 0], skipSpecial: true));
    }

    [Fact]
    public void Encode_Scores_MergeBestFirst()
    {
        Tokenizer tokenizer = GgufTokenizer.Build(SmallPieces with { AddSpacePrefix = false });

        // "ab" (-4) beats "▁a" (-5), then "▁ab" joins both.
        Assert.Equal([6], tokenizer.Encode("ab"));
        Assert.Equal([7], tokenizer.Encode(" ab"));
        Assert.Equal([5, 3], tokenizer.Encode(" aa"));
        Assert.Equal([3, 8, 4], tokenizer.Encode("a\nb"));
        Assert.Equal([3, 0, 4], tokenizer.Encode("aé漢b"));
        Assert.Equal(" ab", tokenizer.Decode([7]));
        Assert.Equal("ab", GgufTokenizer.Build(SmallPieces).Decode([7]));
    }

    [Fact]
    public void Build_WhatItLacksOrWhatContradicts_IsNamed()
    {
        Refused(Small with { Model = "bert" }, ModelError.UnsupportedModel, "'bert'");
        Refused(Small with { Pre = "odd" }, ModelError.UnsupportedModel, "'odd'");
        Refused(Small with { Types = [1] }, ModelError.CorruptModel, "token_type has 1 entries; tokenizer.ggml.tokens has 6");
        Refused(Small with { Scores = [1] }, ModelError.CorruptModel, "scores has 1 entries");
        Refused(Small with { Merges = null }, ModelError.CorruptModel, "merges is missing");
        Refused(Small with { Merges = ["a c"] }, ModelError.CorruptModel, "names 'c'");
        Refused(Small with { Merges = ["ab "] }, ModelError.CorruptModel, "merge 0 is 'ab '");
        Refused(Small with { Bos = 6 }, ModelError.CorruptModel, "bos_token_id is 6; the vocabulary has 6");
        Refused(Small with { Tokens = [new string('x', 5000), "b", "c", "d", "e", "f"] }, ModelError.CorruptModel, "token 0's length in characters is 5000; the limit is 4096");
        Refused(SmallPieces with { Scores = null }, ModelError.CorruptModel, "scores is missing");
        Refused(SmallPieces with { Scores = [0, 0, 0, 0, float.NaN, 0, 0, 0, 0] }, ModelError.CorruptModel, "NaN for token 4");

        static void Refused(GgufTokenizerFields fields, ModelError error, string message)
        {
            var e = Assert.Throws<ModelException>(() => GgufTokenizer.Build(fields));
            Assert.Equal(error, e.Error);
            Assert.Contains(message, e.Message);
        }
    }

    private static GgufTokenizerFields Convert(JsonElement root, string pre)
    {
        JsonElement model = root.GetProperty("model");
        var tokens = new SortedDictionary<int, string>();
        foreach (JsonProperty token in model.GetProperty("vocab").EnumerateObject())
            tokens[token.Value.GetInt32()] = token.Name;
        var types = new Dictionary<int, int>();
        foreach (JsonElement added in root.GetProperty("added_tokens").EnumerateArray())
        {
            int id = added.GetProperty("id").GetInt32();
            tokens[id] = added.GetProperty("content").GetString()!;
            types[id] = added.GetProperty("special").GetBoolean() ? 3 : 4;
        }

        int count = tokens.Keys.Max() + 1;
        return new GgufTokenizerFields
        {
            Model = "gpt2",
            Pre = pre,
            Tokens = [.. Enumerable.Range(0, count).Select(id => tokens.GetValueOrDefault(id) ?? $"[PAD{id}]")],
            Types = [.. Enumerable.Range(0, count).Select(id => types.GetValueOrDefault(id, tokens.ContainsKey(id) ? 1 : 5))],
            Merges = [.. model.GetProperty("merges").EnumerateArray()
                .Select(m => m.ValueKind == JsonValueKind.String ? m.GetString()! : $"{m[0].GetString()} {m[1].GetString()}")],
        };
    }
}
