using Swarm.Models.Tokenizers.Decoding;
using Swarm.Models.Tokenizers.Merging;
using Swarm.Models.Tokenizers.Normalizing;

namespace Swarm.Models.Tokenizers;

/// <summary>Builds a tokenizer from a GGUF file's <c>tokenizer.ggml.*</c> values.</summary>
internal static class GgufTokenizer
{
    public static Tokenizer Build(GgufTokenizerFields fields)
    {
        Check(fields);
        return fields.Model switch
        {
            "gpt2" => BuildByteLevel(fields),
            "llama" => BuildSentencePiece(fields),
            _ => throw new ModelException(ModelError.UnsupportedModel, $"GGUF tokenizer.ggml.model is '{fields.Model}'; supported are gpt2 and llama."),
        };
    }

    private static void Check(GgufTokenizerFields fields)
    {
        int count = TokenizerLimits.Check("token count", fields.Tokens.Length, TokenizerLimits.VocabularyTokens);
        if (fields.Types is { } types && types.Length != count)
            throw Corrupt($"tokenizer.ggml.token_type has {types.Length} entries; tokenizer.ggml.tokens has {count}");
        if (fields.Scores is { } scores && scores.Length != count)
            throw Corrupt($"tokenizer.ggml.scores has {scores.Length} entries; tokenizer.ggml.tokens has {count}");
        foreach ((string name, int? id) in new[]
        {
            ("bos", fields.Bos), ("eos", fields.Eos), ("eot", fields.EndOfTurn), ("unknown", fields.Unknown), ("padding", fields.Padding),
        })
            if (id is { } value && (uint)value >= (uint)count)
                throw Corrupt($"tokenizer.ggml.{name}_token_id is {value}; the vocabulary has {count} tokens");
    }

    private static ModelException Corrupt(string what) => new(ModelError.CorruptModel, $"GGUF {what}.");

    private static Tokenizer BuildByteLevel(GgufTokenizerFields fields)
    {
        GgufPreTokenizers.Recipe recipe = GgufPreTokenizers.Find(fields.Pre);
        var vocabulary = new Vocabulary(fields.Tokens);
        string[] merges = fields.Merges ?? throw Corrupt("tokenizer.ggml.merges is missing; byte-level BPE needs it");
        return new PipelineTokenizer(new TokenizerPipeline
        {
            Kind = $"byte-level BPE ({fields.Pre})",
            Vocabulary = vocabulary,
            SpecialTokens = Roles(fields),
            Model = new BpeModel(
                vocabulary, MergeList.Build(merges, vocabulary), new UnknownPolicy(vocabulary, byteFallback: false, unknown: null, fuse: false), recipe.IgnoreMerges),
            AddedTokens = AddedTokens(fields),
            Normalizers = recipe.Nfc ? [new UnicodeNormalizer(UnicodeForm.Nfc)] : [],
            PreTokenizers = recipe.Make(),
            Decoder = [_ => new ByteLevelStage()],
            Before = (fields.AddBos ?? recipe.AddBos) && fields.Bos is { } bos ? [bos] : [],
            After = fields.AddEos == true && fields.Eos is { } eos ? [eos] : [],
        });
    }

    private static PipelineTokenizer BuildSentencePiece(GgufTokenizerFields fields)
    {
        var vocabulary = new Vocabulary(fields.Tokens);
        float[] scores = fields.Scores ?? throw Corrupt("tokenizer.ggml.scores is missing; SentencePiece BPE needs it");
        bool[] mergeable = new bool[scores.Length];
        for (int id = 0; id < mergeable.Length; id++)
            mergeable[id] = fields.Types is null || (GgufTokenType)fields.Types[id] is GgufTokenType.Normal or GgufTokenType.UserDefined or GgufTokenType.Undefined;
        bool prefix = fields.AddSpacePrefix ?? true;
        var spaces = new ReplaceNormalizer(" ", "▁");
        var back = new ReplaceNormalizer("▁", " ");
        return new PipelineTokenizer(new TokenizerPipeline
        {
            Kind = "SentencePiece BPE",
            Vocabulary = vocabulary,
            SpecialTokens = Roles(fields),
            Model = new ScoreBpeModel(vocabulary, scores, mergeable, new UnknownPolicy(vocabulary, byteFallback: true, fields.Unknown, fuse: true)),
            AddedTokens = AddedTokens(fields),

            // Every stretch between added tokens gets its own prefix.
            Normalizers = prefix ? [new PrependNormalizer("▁"), spaces] : [spaces],
            Decoder = prefix
                ? [_ => new ReplaceStage(back), eager => new ByteFallbackStage(eager), _ => new StripStage(' ', 1, 0, fused: true)]
                : [_ => new ReplaceStage(back), eager => new ByteFallbackStage(eager)],
            Before = (fields.AddBos ?? true) && fields.Bos is { } bos ? [bos] : [],
            After = fields.AddEos == true && fields.Eos is { } eos ? [eos] : [],
        });
    }

    /// <summary>Control and user-defined tokens are recognised in text; the file does not say which of them swallow white space.</summary>
    private static List<AddedToken> AddedTokens(GgufTokenizerFields fields)
    {
        var added = new List<AddedToken>();
        for (int id = 0; id < fields.Types?.Length; id++)
        {
            var type = (GgufTokenType)fields.Types[id];
            if (type is GgufTokenType.Control or GgufTokenType.UserDefined or GgufTokenType.Unknown)
                added.Add(new AddedToken(id, fields.Tokens[id], Special: type != GgufTokenType.UserDefined));
        }

        return added;
    }

    private static SpecialTokens Roles(GgufTokenizerFields fields)
    {
        var byContent = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (AddedToken token in AddedTokens(fields))
            byContent[token.Content] = token.Id;
        return new SpecialTokens
        {
            Bos = fields.Bos,
            Eos = fields.Eos,
            EndOfTurn = fields.EndOfTurn,
            Unknown = fields.Unknown,
            Padding = fields.Padding,
            ByContent = byContent,
        };
    }
}
