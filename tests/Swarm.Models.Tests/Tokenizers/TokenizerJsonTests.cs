using System.Text.Json.Nodes;
using Swarm.Models.Tokenizers;

namespace Swarm.Models.Tests.Tokenizers;

/// <summary>Small files written by hand: one construct at a time, and what happens to broken ones.</summary>
public sealed class TokenizerJsonTests
{
    /// <summary>Characters a to f and space, merges of ab, abc, de.</summary>
    private const string Base = """
        {
          "added_tokens": [{"id": 20, "content": "<s>", "special": true}],
          "normalizer": null, "pre_tokenizer": null, "post_processor": null,
          "decoder": {"type": "Fuse"},
          "model": {"type": "BPE", "vocab": {"a":0,"b":1,"c":2,"d":3,"e":4,"f":5," ":6,"ab":7,"abc":8,"de":9,"<0x0A>":10,"?":11,"bc":12,"-":13},
                    "merges": ["a b", "b c", "ab c", "d e"]}
        }
        """;

    private static Tokenizer Load(params (string Path, string Json)[] changes) => TokenizerLoader.FromTokenizerJson(Change(changes));

    private static string Change(params (string Path, string Json)[] changes)
    {
        JsonNode root = JsonNode.Parse(Base)!;
        foreach ((string path, string json) in changes)
        {
            string[] keys = path.Split('.');
            JsonNode parent = root;
            foreach (string key in keys[..^1])
                parent = parent[key]!;
            parent[keys[^1]] = JsonNode.Parse(json);
        }

        return root.ToJsonString();
    }

    [Fact]
    public void Encode_Merges_GoEarliestRuleFirstThenLeftmost()
    {
        Tokenizer tokenizer = Load();
        Assert.Equal([8, 9], tokenizer.Encode("abcde"));
        Assert.Equal([12, 12], tokenizer.Encode("bcbc"));
        Assert.Equal([7, 7, 0], tokenizer.Encode("ababa"));
        Assert.Equal(21, tokenizer.VocabularySize);
        Assert.Equal("abcde", tokenizer.Decode([8, 9]));
        Assert.Equal(8, tokenizer.FindToken("abc"));
        Assert.Null(tokenizer.FindToken("zz"));
        Assert.Null(tokenizer.TokenText(15));
    }

    [Fact]
    public void Encode_CharactersWithoutToken_FollowTheModelsPolicy()
    {
        Assert.Equal([7], Load().Encode("axb"));
        Assert.Equal([0, 11, 11, 1], Load(("model.unk_token", "\"?\"")).Encode("axyb"));
        Assert.Equal([0, 11, 1], Load(("model.unk_token", "\"?\""), ("model.fuse_unk", "true")).Encode("axyb"));
        Tokenizer bytes = Load(("model.unk_token", "\"?\""), ("model.byte_fallback", "true"));
        Assert.Equal([0, 10, 11, 1], bytes.Encode("a\nxb"));
        Assert.Equal([8], Load(("model.ignore_merges", "true"), ("model.merges", "[]")).Encode("abc"));
        Assert.Equal([0, 1, 2], Load(("model.merges", "[]")).Encode("abc"));
    }

    [Theory]
    [InlineData("\"special\":true", "ab <s> de", new[] { 7, 6, 20, 6, 9 })]
    [InlineData("\"lstrip\":true", "ab \n<s> de", new[] { 7, 20, 6, 9 })]
    [InlineData("\"rstrip\":true", "ab <s> \nde", new[] { 7, 6, 20, 9 })]
    [InlineData("\"single_word\":true", "a<s>b <s> d", new[] { 7, 6, 20, 6, 3 })]
    [InlineData("\"single_word\":true", "<s>", new[] { 20 })]
    [InlineData("\"lstrip\":true,\"rstrip\":true", "<s>  <s>", new[] { 20, 20 })]
    public void Encode_AddedToken_FollowsItsFlags(string flags, string text, int[] expected) =>
        Assert.Equal(expected, Load(("added_tokens", $$"""[{"id": 20, "content": "<s>", {{flags}}}]""")).Encode(text));

    [Fact]
    public void Encode_AddedTokensThatOverlap_TakesTheLeftmostAndOfThoseTheLongest()
    {
        Tokenizer tokenizer = Load(("added_tokens", """[{"id":20,"content":"bc"},{"id":21,"content":"bcd"},{"id":22,"content":"cde"},{"id":23,"content":""}]"""));
        Assert.Equal([0, 21, 4], tokenizer.Encode("abcde"));
        Assert.Equal([0, 20, 2], tokenizer.Encode("abcc"));
        Assert.Equal([0, 22], tokenizer.Encode("acde"));
    }

    [Fact]
    public void Encode_NormalizedAddedToken_IsSoughtInNormalizedText()
    {
        (string, string) lower = ("normalizer", """{"type":"Lowercase"}""");
        Assert.Equal([20, 7], Load(lower, ("added_tokens", """[{"id":20,"content":"DE","normalized":true}]""")).Encode("dEAb"));
        Assert.Equal([9, 20], Load(lower, ("added_tokens", """[{"id":20,"content":"Ab","normalized":false}]""")).Encode("dEAb"));
    }

    [Theory]
    [InlineData("Removed", false, new[] { 7, 2, 3 })]
    [InlineData("Isolated", false, new[] { 7, 13, 13, 2, 13, 3 })]
    [InlineData("Contiguous", false, new[] { 7, 13, 13, 2, 13, 3 })]
    [InlineData("MergedWithPrevious", false, new[] { 7, 13, 13, 2, 13, 3 })]
    [InlineData("MergedWithNext", false, new[] { 7, 13, 13, 2, 13, 3 })]
    [InlineData("Removed", true, new[] { 13, 13, 13 })]
    public void Encode_SplitByString_FollowsItsBehavior(string behavior, bool invert, int[] expected) =>
        Assert.Equal(expected, Load(("pre_tokenizer",
            $$"""{"type":"Split","pattern":{"String":"-"},"behavior":"{{behavior}}","invert":{{(invert ? "true" : "false")}}}""")).Encode("ab--c-d"));

    [Theory]
    [InlineData("MergedWithPrevious", "a-|-|b-|c")]
    [InlineData("MergedWithNext", "a|-|-b|-c")]
    [InlineData("Contiguous", "a|--|b|-|c")]
    [InlineData("Isolated", "a|-|-|b|-|c")]
    [InlineData("Removed", "a|b|c")]
    public void Split_EachBehavior_CutsWhereTheReferenceDoes(string behavior, string expected)
    {
        var pieces = new Swarm.Models.Tokenizers.Splitting.Pieces("a--b-c", atTextStart: true);
        new Swarm.Models.Tokenizers.Splitting.SplitPreTokenizer(
            Swarm.Models.Tokenizers.Patterns.Pattern.Literal("-"), Enum.Parse<Swarm.Models.Tokenizers.Splitting.SplitBehavior>(behavior)).Apply(pieces);
        Assert.Equal(expected, string.Join("|", pieces.Ranges.Select(r => pieces.Text[r.Start..r.End])));
    }

    [Fact]
    public void Encode_Template_WrapsOnlyWhenAsked()
    {
        Tokenizer tokenizer = Load(("post_processor", """
            {"type":"Sequence","processors":[{"type":"ByteLevel"},{"type":"TemplateProcessing","special_tokens":{"X":{"id":"X","ids":[5,20]}},
             "single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":"X","type_id":0}}]}]}
            """));
        Assert.Equal([8], tokenizer.Encode("abc"));
        Assert.Equal([20, 8, 5, 20], tokenizer.Encode("abc", addSpecial: true));
        Assert.Equal([20, 5, 20], tokenizer.Encode("", addSpecial: true));
        Assert.Equal("abcf", tokenizer.Decode([20, 8, 5, 20], skipSpecial: true));
    }

    [Fact]
    public void Decode_WithoutDecoder_JoinsBySpaces() => Assert.Equal("abc de", Load(("decoder", "null")).Decode([8, 9]));

    [Fact]
    public void Decode_ByteTokens_WholeRunsOrReplacements()
    {
        Tokenizer tokenizer = Load(
            ("decoder", """{"type":"Sequence","decoders":[{"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":1}]}"""),
            ("model.vocab", """{"<0xE2>":0,"<0x82>":1,"<0xAC>":2,"a":3," ":4}"""), ("model.merges", "[]"));
        Assert.Equal("€a", tokenizer.Decode([0, 1, 2, 3]));
        Assert.Equal("\uFFFD\uFFFDa", tokenizer.Decode([0, 1, 3]));
        Assert.Equal(" a", tokenizer.Decode([4, 4, 3, 4]));

        StreamingDetokenizer stream = tokenizer.CreateStream();
        Assert.Equal(["", "", "", "€", "a", "", " ", ""], new[] { 4, 0, 1, 2, 3, 4, 4, 99 }.Select(stream.Push));
        Assert.Equal("", stream.Flush());
        Assert.Equal(["", "", "\uFFFD\uFFFDa"], new[] { 0, 1, 3 }.Select(stream.Push));
    }

    [Fact]
    public void Decode_IdOutsideTheVocabulary_IsRefused()
    {
        Assert.Contains("21", Assert.Throws<ModelException>(() => Load().Decode([21])).Message);
        Assert.Equal(ModelError.InvalidArgument, Assert.Throws<ModelException>(() => Load().Decode([-1])).Error);
        Assert.Equal("", Load().CreateStream().Push(1 << 20));
    }

    [Fact]
    public void SpecialTokens_FromConfig_AreFoundAsTextOrObject()
    {
        Tokenizer tokenizer = TokenizerLoader.FromTokenizerJson(Base, """{"bos_token":{"content":"<s>"},"eos_token":"de","unk_token":null,"pad_token":"zz"}""");
        Assert.Equal(20, tokenizer.SpecialTokens.Bos);
        Assert.Equal(9, tokenizer.SpecialTokens.Eos);
        Assert.Null(tokenizer.SpecialTokens.Unknown);
        Assert.Null(tokenizer.SpecialTokens.Padding);
        Assert.True(tokenizer.IsSpecial(20));
        Assert.False(tokenizer.IsSpecial(9));
    }

    [Theory]
    [InlineData("model.type", "\"WordPiece\"", "model type 'WordPiece'")]
    [InlineData("normalizer", """{"type":"Nmt"}""", "normalizer 'Nmt'")]
    [InlineData("pre_tokenizer", """{"type":"UnicodeScripts"}""", "pre-tokenizer 'UnicodeScripts'")]
    [InlineData("pre_tokenizer", """{"type":"Split","pattern":{"String":"-"},"behavior":"Odd"}""", "behavior 'Odd'")]
    [InlineData("pre_tokenizer", """{"type":"Split","pattern":{"Regex":"\\p{Odd}"},"behavior":"Isolated"}""", "property 'Odd'")]
    [InlineData("post_processor", """{"type":"Odd"}""", "post-processor 'Odd'")]
    [InlineData("post_processor", """{"type":"TemplateProcessing","single":[]}""", "leaves the text out")]
    [InlineData("decoder", """{"type":"CTC"}""", "decoder 'CTC'")]
    [InlineData("model.continuing_subword_prefix", "\"##\"", "continuing_subword_prefix '##'")]
    [InlineData("model.dropout", "0.1", "dropout")]
    public void FromTokenizerJson_ConstructItLacks_IsNamed(string path, string json, string message)
    {
        var e = Assert.Throws<ModelException>(() => Load((path, json)));
        Assert.Equal(ModelError.UnsupportedModel, e.Error);
        Assert.Contains(message, e.Message);
    }

    [Theory]
    [InlineData("model", "[]", "model is Array")]
    [InlineData("model.vocab", "[]", "vocab is Array")]
    [InlineData("model.vocab", """{"a":-1}""", "'a' has id -1")]
    [InlineData("model.vocab", """{"a":4000000}""", "highest token id is 4000000")]
    [InlineData("model.vocab", """{"a":4000000000}""", "'a' has id 4000000000")]
    [InlineData("model.vocab", """{"a":0.5}""", "id of token 'a' is 0.5")]
    [InlineData("model.merges", """["ab"]""", "merge 0 is 'ab'")]
    [InlineData("model.merges", """["a zz"]""", "names 'zz'")]
    [InlineData("model.merges", """["a f"]""", "names 'af'")]
    [InlineData("model.merges", """[["a"]]""", "merge 0 is Array")]
    [InlineData("model.merges", "null", "'merges' is missing")]
    [InlineData("model.unk_token", "\"zz\"", "unk_token 'zz'")]
    [InlineData("model.unk_token", "7", "'unk_token' is 7; expected a string")]
    [InlineData("added_tokens", """[{"id":20}]""", "without 'content'")]
    [InlineData("added_tokens", """[{"content":"x"}]""", "'id' is missing")]
    [InlineData("added_tokens", "[7]", "a Number where an object")]
    [InlineData("added_tokens", "{}", "added_tokens is Object")]
    [InlineData("pre_tokenizer", """{"type":"Sequence"}""", "'pretokenizers' is missing")]
    [InlineData("pre_tokenizer", """{"type":7}""", "without 'type'")]
    [InlineData("post_processor", """{"type":"BertProcessing","cls":["x"],"sep":["y",1]}""", "'cls' is an array of 1; expected at least 2")]
    [InlineData("post_processor", """{"type":"BertProcessing","cls":["x",999],"sep":["y",1]}""", "gives 'cls' id 999")]
    [InlineData("normalizer", """{"type":"Precompiled","precompiled_charsmap":"AAAA"}""", "names a trie of")]
    [InlineData("normalizer", """{"type":"Precompiled","precompiled_charsmap":"%"}""", "")]
    [InlineData("decoder", """{"type":"Strip","content":" ","start":-1,"stop":0}""", "Strip start is -1")]
    public void FromTokenizerJson_BrokenValue_IsNamed(string path, string json, string message)
    {
        var e = Assert.Throws<ModelException>(() => Load((path, json)));
        Assert.Equal(ModelError.CorruptModel, e.Error);
        Assert.Contains(message, e.Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("7")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"\ud800":0},"merges":[]}}""")]
    [InlineData("""{"model":{"type":"Unigram","vocab":[["a"]]}}""")]
    [InlineData("""{"model":{"type":"Unigram","vocab":[["a",1]],"unk_id":5}}""")]
    public void FromTokenizerJson_BrokenFile_IsCorrupt(string json) =>
        Assert.Equal(ModelError.CorruptModel, Assert.Throws<ModelException>(() => TokenizerLoader.FromTokenizerJson(json)).Error);

    [Fact]
    public void FromTokenizerJson_TooManyStepsOrTooDeep_IsRefused()
    {
        string many = string.Join(",", Enumerable.Repeat("""{"type":"Lowercase"}""", 70));
        Assert.Contains("more than 64", Assert.Throws<ModelException>(() => Load(("normalizer", $$"""{"type":"Sequence","normalizers":[{{many}}]}"""))).Message);
        Assert.Equal(ModelError.CorruptModel, Assert.Throws<ModelException>(() => TokenizerLoader.FromTokenizerJson(new string('[', 5000))).Error);
    }

    [Fact]
    public void Encode_NormalizersThatMultiply_EndAtTheirBound()
    {
        string doubling = string.Join(",", Enumerable.Repeat("""{"type":"Replace","pattern":{"String":"a"},"content":"aa"}""", 40));
        Tokenizer tokenizer = Load(("normalizer", $$"""{"type":"Sequence","normalizers":[{{doubling}}]}"""));
        Assert.Contains("lengthen", Assert.Throws<ModelException>(() => tokenizer.Encode("aaaa")).Message);
    }

    [Fact]
    public void Encode_UnigramTokens_TakesTheBestSum()
    {
        Tokenizer tokenizer = TokenizerLoader.FromTokenizerJson("""
            {"decoder":{"type":"Fuse"},"model":{"type":"Unigram","unk_id":0,"vocab":[["?",0],["a",-2],["b",-2],["ab",-5],["abb",-5],["bb",-3.5]]}}
            """);
        Assert.Equal([1, 2], tokenizer.Encode("ab"));
        Assert.Equal([4], tokenizer.Encode("abb"));
        Assert.Equal([4, 5], tokenizer.Encode("abbbb"));
        Assert.Equal([1, 0, 2], tokenizer.Encode("axyb"));
    }

    [Fact]
    public void Encode_LoneSurrogate_CountsAsReplacementCharacter()
    {
        Tokenizer tokenizer = Load(("model.vocab", """{"\ufffd":0,"a":1}"""), ("model.merges", "[]"));
        Assert.Equal([1, 0, 1], tokenizer.Encode("a\uD800a"));
        Assert.Equal([0, 0], tokenizer.Encode("\uDC00\uD800"));
    }
}
