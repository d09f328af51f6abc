using System.Text.Json;
using Swarm.Models.Tokenizers.Decoding;
using Swarm.Models.Tokenizers.Merging;
using Swarm.Models.Tokenizers.Normalizing;
using Swarm.Models.Tokenizers.Patterns;
using Swarm.Models.Tokenizers.Splitting;

namespace Swarm.Models.Tokenizers;

/// <summary>Reads tokenizer.json, the file of the reference library. What it names and this version lacks is refused by name.</summary>
internal sealed class TokenizerJson
{
    private readonly List<string> _kinds = [];
    private int _steps;
    private bool _fused;

    private TokenizerJson()
    {
    }

    public static Tokenizer Build(ReadOnlyMemory<byte> json, ReadOnlyMemory<byte> configJson)
    {
        using JsonDocument document = Parse(json, "tokenizer.json");
        using JsonDocument? config = configJson.IsEmpty ? null : Parse(configJson, "tokenizer_config.json");
        try
        {
            return new TokenizerJson().Build(Expect(document.RootElement, JsonValueKind.Object, "tokenizer.json"), config?.RootElement);
        }
        catch (InvalidOperationException e)
        {
            // The reader answers so to a value of another kind than asked for, and to a string that is not Unicode.
            throw new ModelException(ModelError.CorruptModel, $"tokenizer.json has a value of an unexpected kind: {e.Message}", e);
        }
        catch (FormatException e)
        {
            throw new ModelException(ModelError.CorruptModel, $"tokenizer.json has a number out of range: {e.Message}", e);
        }
    }

    private static JsonDocument Parse(ReadOnlyMemory<byte> json, string file)
    {
        TokenizerLimits.Check(file + " size in bytes", json.Length, TokenizerLimits.JsonBytes);
        try
        {
            return JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = TokenizerLimits.PatternNesting });
        }
        catch (JsonException e)
        {
            throw new ModelException(ModelError.CorruptModel, $"{file} is not JSON: {e.Message}", e);
        }
    }

    private static JsonElement Expect(JsonElement element, JsonValueKind kind, string field) => element.ValueKind == kind
        ? element
        : throw new ModelException(ModelError.CorruptModel, $"{field} is {element.ValueKind}; expected {kind}.");

    private static ModelException Unsupported(string what) => new(ModelError.UnsupportedModel, $"tokenizer.json has {what}, which is not supported.");

    private static ModelException Corrupt(string what) => new(ModelError.CorruptModel, $"tokenizer.json: {what}.");

    /// <summary>A member that is there and not null.</summary>
    private static bool TryGet(JsonElement element, string name, out JsonElement value)
    {
        if (element.ValueKind != JsonValueKind.Object)
            throw Corrupt($"a {element.ValueKind} where an object with '{name}' is expected");
        return element.TryGetProperty(name, out value) && value.ValueKind != JsonValueKind.Null;
    }

    private static JsonElement Get(JsonElement element, string name) =>
        TryGet(element, name, out JsonElement value) ? value : throw Corrupt($"'{name}' is missing in {Brief(element)}");

    private static string String(JsonElement element, string what) => element.ValueKind == JsonValueKind.String
        ? element.GetString()!
        : throw Corrupt($"{what} is {Show(element)}; expected a string");

    private static long Integer(JsonElement element, string what) => element.ValueKind == JsonValueKind.Number && element.TryGetInt64(out long value)
        ? value
        : throw Corrupt($"{what} is {Show(element)}; expected a whole number");

    private static double Number(JsonElement element, string what) => element.ValueKind == JsonValueKind.Number && element.TryGetDouble(out double value)
        ? value
        : throw Corrupt($"{what} is {Show(element)}; expected a number");

    private static JsonElement.ArrayEnumerator Items(JsonElement element, string name) =>
        Expect(Get(element, name), JsonValueKind.Array, $"tokenizer.json's {name}").EnumerateArray();

    /// <summary>A value for a message: itself where short, else its kind.</summary>
    private static string Show(JsonElement element) =>
        element.ValueKind is JsonValueKind.Object or JsonValueKind.Array || element.GetRawText().Length > 40 ? element.ValueKind.ToString() : element.GetRawText();

    private static JsonElement At(JsonElement element, int index, string what) =>
        element.ValueKind == JsonValueKind.Array && index < element.GetArrayLength() ? element[index]
        : throw Corrupt($"{what} is {(element.ValueKind == JsonValueKind.Array ? $"an array of {element.GetArrayLength()}" : Show(element))}; expected at least {index + 1} values");

    private static string Brief(JsonElement element) => TryGetType(element) is { } type ? $"the {type}" : "an object";

    private static string? TryGetType(JsonElement element) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty("type", out JsonElement type) && type.ValueKind == JsonValueKind.String ? type.GetString() : null;

    private static bool Flag(JsonElement element, string name, bool absent = false) => !TryGet(element, name, out JsonElement value) ? absent
        : value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean()
        : throw Corrupt($"'{name}' is {Show(value)}; expected true or false");

    private static string? Text(JsonElement element, string name) => TryGet(element, name, out JsonElement value) ? String(value, $"'{name}'") : null;

    private string TypeOf(JsonElement element, string what)
    {
        if (++_steps > TokenizerLimits.PipelineSteps)
            throw Corrupt($"more than {TokenizerLimits.PipelineSteps} pipeline steps");
        return TryGetType(element) ?? throw Corrupt($"a {what} without 'type'");
    }

    private PipelineTokenizer Build(JsonElement root, JsonElement? config)
    {
        List<AddedToken> added = ReadAddedTokens(root);
        JsonElement model = Expect(Get(root, "model"), JsonValueKind.Object, "tokenizer.json's model");
        string modelType = TryGetType(model) ?? (TryGet(model, "merges", out _) ? "BPE" : throw Corrupt("the model has no 'type'"));
        (Vocabulary vocabulary, TokenModel tokenModel) = modelType switch
        {
            "BPE" => ReadBpe(model, added),
            "Unigram" => ReadUnigram(model, added),
            _ => throw Unsupported($"the model type '{modelType}'"),
        };
        var normalizers = new List<Normalizer>();
        if (TryGet(root, "normalizer", out JsonElement normalizer))
            ReadNormalizer(normalizer, normalizers);
        var preTokenizers = new List<PreTokenizer>();
        if (TryGet(root, "pre_tokenizer", out JsonElement preTokenizer))
            ReadPreTokenizer(preTokenizer, preTokenizers);
        var before = new List<int>();
        var after = new List<int>();
        if (TryGet(root, "post_processor", out JsonElement postProcessor))
            ReadPostProcessor(postProcessor, vocabulary, before, after);
        var decoder = new List<DecodeStep>();
        if (TryGet(root, "decoder", out JsonElement decoderElement))
            ReadDecoder(decoderElement, decoder);
        else
            decoder.Add(_ => new JoinStage());
        return new PipelineTokenizer(new TokenizerPipeline
        {
            Kind = $"{(_kinds.Contains("ByteLevel") ? "byte-level " : "")}{modelType} ({(_kinds.Count == 0 ? "whole text" : string.Join(", ", _kinds))})",
            Vocabulary = vocabulary,
            SpecialTokens = ReadRoles(config, vocabulary, added),
            Model = tokenModel,
            AddedTokens = added,
            Normalizers = normalizers,
            PreTokenizers = preTokenizers,
            Decoder = decoder,
            Before = before,
            After = after,
        });
    }

    private static List<AddedToken> ReadAddedTokens(JsonElement root)
    {
        var added = new List<AddedToken>();
        if (!TryGet(root, "added_tokens", out JsonElement list))
            return added;
        TokenizerLimits.Check("added token count", Expect(list, JsonValueKind.Array, "added_tokens").GetArrayLength(), TokenizerLimits.AddedTokens);
        foreach (JsonElement item in list.EnumerateArray())
        {
            string content = Text(item, "content") ?? throw Corrupt("an added token without 'content'");
            TokenizerLimits.Check("added token's length in characters", content.Length, TokenizerLimits.TokenChars);
            added.Add(new AddedToken(
                CheckId(Integer(Get(item, "id"), "an added token's id"), content), content, Flag(item, "special"), Flag(item, "normalized"),
                Flag(item, "lstrip"), Flag(item, "rstrip"), Flag(item, "single_word")));
        }

        return added;
    }

    private static int CheckId(long id, string token) => id is >= 0 and < TokenizerLimits.VocabularyTokens
        ? (int)id
        : throw Corrupt($"token '{token}' has id {id}; expected 0 to {TokenizerLimits.VocabularyTokens - 1}");

    private static (Vocabulary Vocabulary, TokenModel Model) ReadBpe(JsonElement model, List<AddedToken> added)
    {
        foreach (string affix in new[] { "continuing_subword_prefix", "end_of_word_suffix" })
            if (Text(model, affix) is { Length: > 0 } value)
                throw Unsupported($"BPE with {affix} '{value}'");
        if (TryGet(model, "dropout", out JsonElement dropout) && Number(dropout, "dropout") != 0)
            throw Unsupported("BPE with dropout");
        Vocabulary own = ReadVocabulary(model);
        PairTable merges = ReadMerges(model, own);
        int? unknownId = Text(model, "unk_token") is { } unknown
            ? own.FindOrNull(unknown) ?? throw Corrupt($"unk_token '{unknown}' is not in the vocabulary")
            : null;
        var policy = new UnknownPolicy(own, Flag(model, "byte_fallback"), unknownId, Flag(model, "fuse_unk"));
        var bpe = new BpeModel(own, merges, policy, Flag(model, "ignore_merges"));
        return (WithAdded(own, added), bpe);
    }

    private static (Vocabulary Vocabulary, TokenModel Model) ReadUnigram(JsonElement model, List<AddedToken> added)
    {
        JsonElement list = Expect(Get(model, "vocab"), JsonValueKind.Array, "tokenizer.json's vocab");
        int count = TokenizerLimits.Check("token count", list.GetArrayLength(), TokenizerLimits.VocabularyTokens);
        var spellings = new string?[count];
        double[] scores = new double[count];
        int next = 0;
        foreach (JsonElement item in list.EnumerateArray())
        {
            spellings[next] = String(At(item, 0, "a unigram token"), "a unigram token");
            scores[next++] = Number(At(item, 1, "a unigram token"), "a unigram score");
        }

        var own = new Vocabulary(spellings);
        int? unknownId = TryGet(model, "unk_id", out JsonElement unknown) ? CheckId(Integer(unknown, "unk_id"), "unk_id") : null;
        if (unknownId >= count)
            throw Corrupt($"unk_id is {unknownId}; the vocabulary has {count} tokens");
        var unigram = new UnigramModel(own, scores, new UnknownPolicy(own, Flag(model, "byte_fallback"), unknownId, fuse: true));
        return (WithAdded(own, added), unigram);
    }

    private static Vocabulary WithAdded(Vocabulary own, List<AddedToken> added)
    {
        if (added.TrueForAll(t => own.Spelling(t.Id) == t.Content))
            return own;
        int size = Math.Max(own.Size, added.Max(t => t.Id) + 1);
        CheckHighest(size - 1, own.Size + added.Count);
        var spellings = new string?[size];
        for (int id = 0; id < own.Size; id++)
            spellings[id] = own.Spelling(id);
        foreach (AddedToken token in added)
            spellings[token.Id] = token.Content;
        return new Vocabulary(spellings);
    }

    /// <summary>A file of a few tokens must not ask for a table of millions.</summary>
    private static void CheckHighest(long highest, long count)
    {
        if (highest + 1 > (2 * count) + 65536)
            throw Corrupt($"the highest token id is {highest} with {count} tokens");
    }

    /// <summary>Ids may have gaps.</summary>
    private static Vocabulary ReadVocabulary(JsonElement model)
    {
        JsonElement vocabulary = Expect(Get(model, "vocab"), JsonValueKind.Object, "tokenizer.json's vocab");
        int count = TokenizerLimits.Check("token count", vocabulary.GetPropertyCount(), TokenizerLimits.VocabularyTokens);
        long highest = -1;
        var tokens = new List<(string Spelling, int Id)>(count);
        foreach (JsonProperty property in vocabulary.EnumerateObject())
        {
            string spelling = property.Name;
            int id = CheckId(Integer(property.Value, $"the id of token '{spelling}'"), spelling);
            tokens.Add((spelling, id));
            highest = Math.Max(highest, id);
        }

        CheckHighest(highest, count);
        var spellings = new string?[highest + 1];
        foreach ((string spelling, int id) in tokens)
            spellings[id] = spelling;
        return new Vocabulary(spellings);
    }

    private static PairTable ReadMerges(JsonElement model, Vocabulary vocabulary)
    {
        JsonElement list = Expect(Get(model, "merges"), JsonValueKind.Array, "tokenizer.json's merges");
        int count = TokenizerLimits.Check("merge count", list.GetArrayLength(), TokenizerLimits.Merges);
        if (count > 0 && list[0].ValueKind == JsonValueKind.String)
        {
            var lines = new List<string>(count);
            foreach (JsonElement item in list.EnumerateArray())
                lines.Add(String(item, "a merge"));
            return MergeList.Build(lines, vocabulary);
        }

        var pairs = new List<(string, string)>(count);
        foreach (JsonElement item in list.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.Array || item.GetArrayLength() != 2)
                throw Corrupt($"merge {pairs.Count} is {item.ValueKind}; expected a pair of strings");
            pairs.Add((String(item[0], "a merge's left token"), String(item[1], "a merge's right token")));
        }

        return MergeList.Build(pairs, vocabulary);
    }

    private void ReadNormalizer(JsonElement element, List<Normalizer> into)
    {
        string type = TypeOf(element, "normalizer");
        switch (type)
        {
            case "Sequence":
                foreach (JsonElement item in Items(element, "normalizers"))
                    ReadNormalizer(item, into);
                break;
            case "NFC":
                into.Add(new UnicodeNormalizer(UnicodeForm.Nfc));
                break;
            case "NFD":
                into.Add(new UnicodeNormalizer(UnicodeForm.Nfd));
                break;
            case "NFKC":
                into.Add(new UnicodeNormalizer(UnicodeForm.Nfkc));
                break;
            case "NFKD":
                into.Add(new UnicodeNormalizer(UnicodeForm.Nfkd));
                break;
            case "Prepend":
                into.Add(new PrependNormalizer(Replacing(element, "prepend")));
                break;
            case "Replace":
                into.Add(ReadReplace(element));
                break;
            case "Strip":
                into.Add(new StripNormalizer(Flag(element, "strip_left"), Flag(element, "strip_right")));
                break;
            case "Lowercase":
                into.Add(new LowercaseNormalizer());
                break;
            case "Precompiled":
                into.Add(new CharsMapNormalizer(Get(element, "precompiled_charsmap").GetBytesFromBase64()));
                break;
            default:
                throw Unsupported($"the normalizer '{type}'");
        }
    }

    private static ReplaceNormalizer ReadReplace(JsonElement element)
    {
        string content = Replacing(element, "content");
        JsonElement pattern = Get(element, "pattern");
        return Text(pattern, "String") is { } text ? new ReplaceNormalizer(text, content) : new ReplaceNormalizer(Pattern.Parse(Regex(pattern)), content);
    }

    private static string Replacing(JsonElement element, string name)
    {
        string text = Text(element, name) ?? "";
        TokenizerLimits.Check($"{name}'s length in characters", text.Length, TokenizerLimits.ReplacementChars);
        return text;
    }

    private static string Regex(JsonElement pattern) => Text(pattern, "Regex") ?? throw Corrupt("a pattern is neither a String nor a Regex");

    private void ReadPreTokenizer(JsonElement element, List<PreTokenizer> into)
    {
        string type = TypeOf(element, "pre-tokenizer");
        if (type != "Sequence")
            _kinds.Add(type);
        switch (type)
        {
            case "Sequence":
                foreach (JsonElement item in Items(element, "pretokenizers"))
                    ReadPreTokenizer(item, into);
                break;
            case "ByteLevel":
                into.Add(new ByteLevelPreTokenizer(Flag(element, "add_prefix_space", true), Flag(element, "use_regex", true)));
                break;
            case "Split":
                JsonElement pattern = Get(element, "pattern");
                into.Add(new SplitPreTokenizer(
                    Text(pattern, "String") is { } text ? Pattern.Literal(text) : Pattern.Parse(Regex(pattern)), Behavior(element), Flag(element, "invert")));
                break;
            case "Digits":
                into.Add(new CharacterSplitPreTokenizer(
                    CodePointSet.Number, Flag(element, "individual_digits") ? SplitBehavior.Isolated : SplitBehavior.Contiguous));
                break;
            case "Punctuation":
                into.Add(new CharacterSplitPreTokenizer(
                    GgufPreTokenizers.PunctuationOrAsciiSymbol, TryGet(element, "behavior", out _) ? Behavior(element) : SplitBehavior.Isolated));
                break;
            case "WhitespaceSplit":
                into.Add(new CharacterSplitPreTokenizer(CodePointSet.Space, SplitBehavior.Removed));
                break;
            case "Whitespace":
                into.Add(new SplitPreTokenizer(Pattern.Parse(@"\w+|[^\w\s]+"), SplitBehavior.Removed, invert: true));
                break;
            case "Metaspace":
                into.Add(ReadMetaspace(element));
                break;
            default:
                throw Unsupported($"the pre-tokenizer '{type}'");
        }
    }

    private static SplitBehavior Behavior(JsonElement element)
    {
        string? name = Text(element, "behavior");
        return name switch
        {
            "Removed" => SplitBehavior.Removed,
            "Isolated" => SplitBehavior.Isolated,
            "MergedWithPrevious" => SplitBehavior.MergedWithPrevious,
            "MergedWithNext" => SplitBehavior.MergedWithNext,
            "Contiguous" => SplitBehavior.Contiguous,
            _ => throw Unsupported($"the split behavior '{name}'"),
        };
    }

    private static MetaspacePreTokenizer ReadMetaspace(JsonElement element) =>
        new(Replacement(element), Scheme(element), Flag(element, "split", true));

    private static char Replacement(JsonElement element) => (Text(element, "replacement") ?? "▁") is [char c]
        ? c
        : throw Corrupt("a Metaspace replacement that is not one character");

    /// <summary>Older files say <c>add_prefix_space</c> instead of a scheme.</summary>
    private static PrependScheme Scheme(JsonElement element)
    {
        string? name = Text(element, "prepend_scheme");
        return name switch
        {
            null => Flag(element, "add_prefix_space", true) ? PrependScheme.Always : PrependScheme.Never,
            "always" => PrependScheme.Always,
            "first" => PrependScheme.First,
            "never" => PrependScheme.Never,
            _ => throw Unsupported($"the Metaspace prepend_scheme '{name}'"),
        };
    }

    /// <summary>Nested processors wrap from the inside out.</summary>
    private void ReadPostProcessor(JsonElement element, Vocabulary vocabulary, List<int> before, List<int> after)
    {
        string type = TypeOf(element, "post-processor");
        switch (type)
        {
            case "Sequence":
                foreach (JsonElement item in Items(element, "processors"))
                    ReadPostProcessor(item, vocabulary, before, after);
                break;
            case "ByteLevel":
                break;
            case "TemplateProcessing":
                ReadTemplate(element, vocabulary, before, after);
                break;
            case "BertProcessing" or "RobertaProcessing":
                before.Insert(0, TemplateId(At(Get(element, "cls"), 1, "'cls'"), "cls", vocabulary));
                after.Add(TemplateId(At(Get(element, "sep"), 1, "'sep'"), "sep", vocabulary));
                break;
            default:
                throw Unsupported($"the post-processor '{type}'");
        }
    }

    private static int TemplateId(JsonElement element, string name, Vocabulary vocabulary) => Integer(element, $"the id of '{name}'") is >= 0 and long id && id < vocabulary.Size
        ? (int)id
        : throw Corrupt($"the post-processor gives '{name}' id {element.GetRawText()}; the vocabulary ends at {vocabulary.Size - 1}");

    private static void ReadTemplate(JsonElement element, Vocabulary vocabulary, List<int> before, List<int> after)
    {
        var left = new List<int>();
        var right = new List<int>();
        bool textSeen = false;
        foreach (JsonElement item in Items(element, "single"))
        {
            if (TryGet(item, "Sequence", out JsonElement sequence))
            {
                if (textSeen || Text(sequence, "id") is not "A")
                    throw Unsupported("a template for one text with another sequence than one A");
                textSeen = true;
                continue;
            }

            string name = Text(Get(item, "SpecialToken"), "id") ?? throw Corrupt("a template's SpecialToken without 'id'");
            List<int> side = textSeen ? right : left;
            if (TryGet(element, "special_tokens", out JsonElement table) && TryGet(table, name, out JsonElement entry))
                foreach (JsonElement id in Items(entry, "ids"))
                    side.Add(TemplateId(id, name, vocabulary));
            else
                side.Add(vocabulary.FindOrNull(name) ?? throw Corrupt($"the template names '{name}', which is not in the vocabulary"));
        }

        if (!textSeen)
            throw Unsupported("a template for one text that leaves the text out");
        before.InsertRange(0, left);
        after.AddRange(right);
    }

    private void ReadDecoder(JsonElement element, List<DecodeStep> into)
    {
        string type = TypeOf(element, "decoder");
        switch (type)
        {
            case "Sequence":
                foreach (JsonElement item in Items(element, "decoders"))
                    ReadDecoder(item, into);
                break;
            case "ByteLevel":
                into.Add(_ => new ByteLevelStage());
                _fused = true;
                break;
            case "ByteFallback":
                into.Add(eager => new ByteFallbackStage(eager));
                break;
            case "Fuse":
                _fused = true;
                break;
            case "Replace" when _fused:
                throw Unsupported("a Replace decoder behind a Fuse");
            case "Replace":
                ReplaceNormalizer replace = ReadReplace(element);
                into.Add(_ => new ReplaceStage(replace));
                break;
            case "Strip":
                into.Add(ReadStrip(element, _fused));
                break;
            case "Metaspace":
                char replacement = Replacement(element);
                bool prepended = Scheme(element) != PrependScheme.Never;
                into.Add(_ => new MetaspaceStage(replacement, prepended));
                break;
            default:
                throw Unsupported($"the decoder '{type}'");
        }
    }

    private static DecodeStep ReadStrip(JsonElement element, bool fused)
    {
        if (Text(element, "content") is not [char content])
            throw Unsupported("a Strip decoder whose content is not one character");
        int start = TokenizerLimits.Check("Strip start", Integer(Get(element, "start"), "Strip start"), TokenizerLimits.TokenChars);
        int stop = TokenizerLimits.Check("Strip stop", Integer(Get(element, "stop"), "Strip stop"), TokenizerLimits.TokenChars);
        return _ => new StripStage(content, start, stop, fused);
    }

    private static SpecialTokens ReadRoles(JsonElement? config, Vocabulary vocabulary, List<AddedToken> added)
    {
        var byContent = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (AddedToken token in added)
            byContent[token.Content] = token.Id;
        return new SpecialTokens
        {
            Bos = Role("bos_token"),
            Eos = Role("eos_token"),
            Unknown = Role("unk_token"),
            Padding = Role("pad_token"),
            ByContent = byContent,
        };

        // A role is a string, or an object that describes an added token.
        int? Role(string name)
        {
            if (config is not { } root || !TryGet(root, name, out JsonElement value))
                return null;
            string? content = value.ValueKind == JsonValueKind.Object ? Text(value, "content") : String(value, $"tokenizer_config.json's {name}");
            return vocabulary.FindOrNull(content);
        }
    }
}
