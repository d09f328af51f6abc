using Swarm.Kernels;
using Swarm.Models.Files;

namespace Swarm.Models.Families;

/// <summary>What the metadata of every GGUF file says of a model; which tensors exist says the rest.</summary>
internal static class GgufShape
{
    /// <summary>Reads it.</summary>
    /// <param name="family">Whose names the tensors bear.</param>
    /// <param name="fields">The metadata.</param>
    /// <param name="tensors">The file's tensors.</param>
    /// <param name="norm">The kind of its norms, which has a name of its own for the epsilon.</param>
    /// <param name="layout">Which values turn together; null where nothing turns.</param>
    public static ModelConfig Read(ModelFamily family, GgufFields fields, ITensorStore tensors, NormKind norm, RotaryLayout? layout)
    {
        int hidden = fields.Integer("embedding_length", 1, ConfigLimits.Hidden);
        int heads = fields.Integer("attention.head_count", 1, ConfigLimits.Heads);
        int headDimension = fields.Integer("attention.key_length", 1, ConfigLimits.HeadDimension, Math.Max(1, hidden / heads));
        int vocabulary = ReadVocabulary(family, fields, tensors);
        return new ModelConfig
        {
            Family = family.Name,
            Naming = TensorNaming.Gguf,
            Blocks = fields.Integer("block_count", 1, ConfigLimits.Blocks),
            Hidden = hidden,
            Heads = heads,
            KeyValueHeads = fields.Integer("attention.head_count_kv", 1, ConfigLimits.Heads, heads),
            HeadDimension = headDimension,
            FeedForward = fields.Integer("feed_forward_length", 1, ConfigLimits.FeedForward),
            Vocabulary = vocabulary,
            Context = fields.Integer("context_length", 1, ConfigLimits.Context),
            Norm = norm,
            NormEpsilon = fields.Number(norm == NormKind.Rms ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon", 0, 1),
            Rotary = layout is { } turning ? ReadRotary(family, fields, tensors, headDimension, turning) : RotaryConfig.None,
            TiedEnds = !Has(TensorRole.Head),
            HeadBias = Has(TensorRole.HeadBias),
            AttentionBias = Has(TensorRole.QueryBias) || Has(TensorRole.QueryKeyValueBias),
            AttentionOutputBias = Has(TensorRole.AttentionOutputBias),
            FeedForwardBias = Has(TensorRole.UpBias),
            BeginToken = fields.TokenId("tokenizer.ggml.bos_token_id", vocabulary),
            EndTokens = [.. new[] { "eos", "eot", "eom" }
                .Select(kind => fields.TokenId($"tokenizer.ggml.{kind}_token_id", vocabulary))
                .OfType<int>().Distinct().Order()],
        };

        bool Has(TensorRole role) => family.TryFind(tensors, TensorNaming.Gguf, role, 0, out _);
    }

    /// <summary>The window of a model whose metadata has one, in the blocks that a family says.</summary>
    public static ModelConfig WithWindow(ModelConfig config, GgufFields fields, Func<int, bool> windowed)
    {
        int window = fields.Integer("attention.sliding_window", 0, int.MaxValue, 0);
        if (window == 0)
            return config;

        // Newer files say which blocks: each by itself, or that every so-many-th has none.
        const string Pattern = "attention.sliding_window_pattern";
        bool[]? named = fields.Flags(Pattern, config.Blocks);
        int every = named is null && fields.Has(Pattern) ? fields.Integer(Pattern, 1, ConfigLimits.Blocks) : 0;
        return HuggingFaceWindow.Add(
            config, window, named ?? [.. Enumerable.Range(0, config.Blocks).Select(block => every > 0 ? (block + 1) % every != 0 : windowed(block))]);
    }

    private static int ReadVocabulary(ModelFamily family, GgufFields fields, ITensorStore tensors)
    {
        // Older files have no vocab_size; the embedding's rows say it.
        if (fields.Has("vocab_size"))
            return fields.Integer("vocab_size", 1, ConfigLimits.Vocabulary);
        if (tensors.TryGet(family.TensorName(TensorNaming.Gguf, TensorRole.Embedding), out TensorInfo embedding)
            && embedding.Rows is >= 1 and <= ConfigLimits.Vocabulary)
        {
            return (int)embedding.Rows;
        }

        return fields.Integer("vocab_size", 1, ConfigLimits.Vocabulary);
    }

    private static RotaryConfig ReadRotary(ModelFamily family, GgufFields fields, ITensorStore tensors, int headDimension, RotaryLayout layout)
    {
        string scaling = fields.Text("rope.scaling.type", "none");
        bool storedFactors = family.TryFind(tensors, TensorNaming.Gguf, TensorRole.RotaryFactors, 0, out _);
        RotaryScaling kind = scaling switch
        {
            "none" or "longrope" when storedFactors => RotaryScaling.StoredFactors,
            "none" => RotaryScaling.None,
            "linear" when !storedFactors => RotaryScaling.Linear,
            "yarn" when !storedFactors => RotaryScaling.Yarn,
            _ => throw new ModelException(ModelError.UnsupportedModel, $"{fields.Path}: rope.scaling.type {scaling}, expected none, linear, yarn, or longrope with its factors"),
        };

        // Files from before rope.scaling wrote the linear factor alone.
        float legacy = fields.Number("rope.scale_linear", 1e-6f, 1e6f, 1);
        if (kind == RotaryScaling.None && legacy != 1)
            kind = RotaryScaling.Linear;
        int context = fields.Integer("context_length", 1, ConfigLimits.Context);
        float factor = kind switch
        {
            RotaryScaling.Linear => fields.Number("rope.scaling.factor", 1e-6f, 1e6f, legacy),
            RotaryScaling.Yarn => fields.Number("rope.scaling.factor", 1e-6f, 1e6f),
            _ => 1,
        };
        var rotary = new RotaryConfig
        {
            Theta = fields.Number("rope.freq_base", 1, 1e12f, 10_000),
            Layout = layout,
            Dimension = fields.Integer("rope.dimension_count", 2, ConfigLimits.HeadDimension, headDimension),
            Scaling = kind,
            Factor = factor,
        };
        float attention = fields.Number("rope.scaling.attn_factor", 1e-6f, 1e6f, 1);
        return kind switch
        {
            RotaryScaling.Yarn => rotary with
            {
                OriginalContext = fields.Integer("rope.scaling.original_context_length", 1, ConfigLimits.Context, context),
                BetaFast = fields.Number("rope.scaling.yarn_beta_fast", 1e-3f, 1e6f, 32),
                BetaSlow = fields.Number("rope.scaling.yarn_beta_slow", 1e-3f, 1e6f, 1),
                Magnitude = attention * Blocks.RotaryFrequencies.YarnMagnitude(factor),
            },
            RotaryScaling.StoredFactors when scaling == "longrope" => rotary with
            {
                OriginalContext = fields.Integer("rope.scaling.original_context_length", 1, ConfigLimits.Context, context),
                Magnitude = attention,
            },
            _ => rotary,
        };
    }
}
