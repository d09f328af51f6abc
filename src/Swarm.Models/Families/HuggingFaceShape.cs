namespace Swarm.Models.Families;

/// <summary>What every family's config.json says, under names that differ.</summary>
internal sealed record HuggingFaceShape
{
    public string[] Hidden { get; init; } = ["hidden_size"];

    public string[] Heads { get; init; } = ["num_attention_heads"];

    public string[] KeyValueHeads { get; init; } = ["num_key_value_heads"];

    public string[] Blocks { get; init; } = ["num_hidden_layers"];

    public string[] FeedForward { get; init; } = ["intermediate_size"];

    public string[] Context { get; init; } = ["max_position_embeddings"];

    public string[] Epsilon { get; init; } = ["rms_norm_eps"];

    public string[] Activation { get; init; } = ["hidden_act"];

    public string ActivationFallback { get; init; } = "silu";

    public float EpsilonFallback { get; init; } = 1e-6f;

    /// <summary>Inner values of the feed-forward part over hidden ones, where the configuration names none; 0 where it must.</summary>
    public int FeedForwardMultiple { get; init; }

    /// <summary>The head is the embedding where the configuration does not say.</summary>
    public bool TiedFallback { get; init; }

    /// <summary>Reads them; nothing turns, and there are no biases, until a family says so.</summary>
    public ModelConfig Read(string family, JsonFields fields, JsonFields? generation)
    {
        int hidden = fields.Integer(fields.First(Hidden), 1, ConfigLimits.Hidden);
        int heads = fields.Integer(fields.First(Heads), 1, ConfigLimits.Heads);
        int vocabulary = fields.Integer("vocab_size", 1, ConfigLimits.Vocabulary);
        int? feedForward = FeedForwardMultiple == 0 ? null : Math.Min(FeedForwardMultiple * hidden, ConfigLimits.FeedForward);
        int[] begin = fields.TokenIds("bos_token_id", vocabulary);
        int[] end = fields.TokenIds("eos_token_id", vocabulary);
        return new ModelConfig
        {
            Family = family,
            Naming = TensorNaming.HuggingFace,
            Blocks = fields.Integer(fields.First(Blocks), 1, ConfigLimits.Blocks),
            Hidden = hidden,
            Heads = heads,
            KeyValueHeads = fields.Integer(fields.First(KeyValueHeads), 1, ConfigLimits.Heads, heads),
            HeadDimension = fields.Integer("head_dim", 1, ConfigLimits.HeadDimension, Math.Max(1, hidden / heads)),
            FeedForward = fields.Integer(fields.First(FeedForward), 1, ConfigLimits.FeedForward, feedForward),
            Vocabulary = vocabulary,
            Context = fields.Integer(fields.First(Context), 1, ConfigLimits.Context, 2048),
            NormEpsilon = fields.Number(fields.First(Epsilon), 0, 1, EpsilonFallback),
            Activation = ActivationNames.Read(fields, fields.First(Activation), ActivationFallback),
            Rotary = RotaryConfig.None,
            TiedEnds = fields.Flag("tie_word_embeddings", TiedFallback),
            BeginToken = begin.Length > 0 ? begin[0] : null,
            EndTokens = [.. end.Union(generation?.TokenIds("eos_token_id", vocabulary) ?? []).Order()],
        };
    }
}
