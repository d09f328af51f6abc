using Swarm.Kernels;
using Swarm.Models.Files;

namespace Swarm.Models.Families;

/// <summary>
/// Llama (arXiv 2302.13971) and its descendants of the same shape, such as Mistral: RMS norm before each part, grouped-query attention with rotary positions, SwiGLU.
/// Families that differ in a detail derive from it.
/// </summary>
internal class LlamaFamily : ModelFamily
{
    /// <summary>Names that descendants share.</summary>
    protected static readonly Dictionary<TensorRole, (string HuggingFace, string Gguf)> LlamaNames = new()
    {
        [TensorRole.Embedding] = ("model.embed_tokens.weight", "token_embd.weight"),
        [TensorRole.FinalNorm] = ("model.norm.weight", "output_norm.weight"),
        [TensorRole.Head] = ("lm_head.weight", "output.weight"),
        [TensorRole.RotaryFactors] = ("rope_freqs.weight", "rope_freqs.weight"),
        [TensorRole.AttentionNorm] = ("model.layers.{0}.input_layernorm.weight", "blk.{0}.attn_norm.weight"),
        [TensorRole.Query] = ("model.layers.{0}.self_attn.q_proj.weight", "blk.{0}.attn_q.weight"),
        [TensorRole.QueryBias] = ("model.layers.{0}.self_attn.q_proj.bias", "blk.{0}.attn_q.bias"),
        [TensorRole.Key] = ("model.layers.{0}.self_attn.k_proj.weight", "blk.{0}.attn_k.weight"),
        [TensorRole.KeyBias] = ("model.layers.{0}.self_attn.k_proj.bias", "blk.{0}.attn_k.bias"),
        [TensorRole.Value] = ("model.layers.{0}.self_attn.v_proj.weight", "blk.{0}.attn_v.weight"),
        [TensorRole.ValueBias] = ("model.layers.{0}.self_attn.v_proj.bias", "blk.{0}.attn_v.bias"),
        [TensorRole.AttentionOutput] = ("model.layers.{0}.self_attn.o_proj.weight", "blk.{0}.attn_output.weight"),
        [TensorRole.AttentionOutputBias] = ("model.layers.{0}.self_attn.o_proj.bias", "blk.{0}.attn_output.bias"),
        [TensorRole.FeedForwardNorm] = ("model.layers.{0}.post_attention_layernorm.weight", "blk.{0}.ffn_norm.weight"),
        [TensorRole.Gate] = ("model.layers.{0}.mlp.gate_proj.weight", "blk.{0}.ffn_gate.weight"),
        [TensorRole.GateBias] = ("model.layers.{0}.mlp.gate_proj.bias", "blk.{0}.ffn_gate.bias"),
        [TensorRole.Up] = ("model.layers.{0}.mlp.up_proj.weight", "blk.{0}.ffn_up.weight"),
        [TensorRole.UpBias] = ("model.layers.{0}.mlp.up_proj.bias", "blk.{0}.ffn_up.bias"),
        [TensorRole.Down] = ("model.layers.{0}.mlp.down_proj.weight", "blk.{0}.ffn_down.weight"),
        [TensorRole.DownBias] = ("model.layers.{0}.mlp.down_proj.bias", "blk.{0}.ffn_down.bias"),
    };

    /// <summary>Names with those of experts that most families share.</summary>
    protected static Dictionary<TensorRole, (string HuggingFace, string Gguf)> ExpertNames(Dictionary<TensorRole, (string HuggingFace, string Gguf)> names) => new(names)
    {
        [TensorRole.Router] = ("model.layers.{0}.mlp.gate.weight", "blk.{0}.ffn_gate_inp.weight"),
        [TensorRole.RouterCorrection] = ("model.layers.{0}.mlp.gate.e_score_correction_bias", "blk.{0}.exp_probs_b.bias"),
        [TensorRole.ExpertGate] = ("model.layers.{0}.mlp.experts.{1}.gate_proj.weight", "blk.{0}.ffn_gate.{1}.weight"),
        [TensorRole.ExpertUp] = ("model.layers.{0}.mlp.experts.{1}.up_proj.weight", "blk.{0}.ffn_up.{1}.weight"),
        [TensorRole.ExpertDown] = ("model.layers.{0}.mlp.experts.{1}.down_proj.weight", "blk.{0}.ffn_down.{1}.weight"),
        [TensorRole.ExpertsGate] = (string.Empty, "blk.{0}.ffn_gate_exps.weight"),
        [TensorRole.ExpertsUp] = (string.Empty, "blk.{0}.ffn_up_exps.weight"),
        [TensorRole.ExpertsGateUp] = ("model.layers.{0}.mlp.experts.gate_up_proj", "blk.{0}.ffn_gate_up_exps.weight"),
        [TensorRole.ExpertsDown] = ("model.layers.{0}.mlp.experts.down_proj", "blk.{0}.ffn_down_exps.weight"),
        [TensorRole.SharedGate] = ("model.layers.{0}.mlp.shared_experts.gate_proj.weight", "blk.{0}.ffn_gate_shexp.weight"),
        [TensorRole.SharedUp] = ("model.layers.{0}.mlp.shared_experts.up_proj.weight", "blk.{0}.ffn_up_shexp.weight"),
        [TensorRole.SharedDown] = ("model.layers.{0}.mlp.shared_experts.down_proj.weight", "blk.{0}.ffn_down_shexp.weight"),
    };

    public override string Name => "llama";

    public override IReadOnlyList<string> HuggingFaceTypes => ["llama", "mistral"];

    public override IReadOnlyList<string> GgufArchitectures => ["llama"];

    /// <summary>Files of the Llama architecture have query and key rows reordered for neighbours; most others keep the checkpoint's halves.</summary>
    protected virtual RotaryLayout GgufLayout => RotaryLayout.Interleaved;

    protected override IReadOnlyDictionary<TensorRole, (string HuggingFace, string Gguf)> TensorNames => LlamaNames;

    public override ModelConfig ReadHuggingFace(JsonFields fields, JsonFields? generation)
    {
        int hidden = fields.Integer("hidden_size", 1, ConfigLimits.Hidden);
        int heads = fields.Integer("num_attention_heads", 1, ConfigLimits.Heads);
        int headDimension = fields.Integer("head_dim", 1, ConfigLimits.HeadDimension, Math.Max(1, hidden / heads));
        int context = fields.Integer("max_position_embeddings", 1, ConfigLimits.Context, 2048);
        int vocabulary = fields.Integer("vocab_size", 1, ConfigLimits.Vocabulary);
        string activation = fields.Text("hidden_act", "silu");
        if (activation != "silu")
            throw new ModelException(ModelError.UnsupportedModel, $"{fields.Path}: hidden_act {activation}, expected silu");
        RefuseWindow(fields, context);
        bool attentionBias = fields.Flag("attention_bias", false);
        int[] begin = fields.TokenIds("bos_token_id", vocabulary);
        int[] end = fields.TokenIds("eos_token_id", vocabulary);
        return new ModelConfig
        {
            Family = Name,
            Naming = TensorNaming.HuggingFace,
            Blocks = fields.Integer("num_hidden_layers", 1, ConfigLimits.Blocks),
            Hidden = hidden,
            Heads = heads,
            KeyValueHeads = fields.Integer("num_key_value_heads", 1, ConfigLimits.Heads, heads),
            HeadDimension = headDimension,
            FeedForward = fields.Integer("intermediate_size", 1, ConfigLimits.FeedForward),
            Vocabulary = vocabulary,
            Context = context,
            NormEpsilon = fields.Number("rms_norm_eps", 0, 1, 1e-6f),
            Rotary = HuggingFaceRotary.Read(fields, headDimension, context),
            TiedEnds = fields.Flag("tie_word_embeddings", false),
            AttentionBias = attentionBias,
            AttentionOutputBias = attentionBias,
            FeedForwardBias = fields.Flag("mlp_bias", false),
            BeginToken = begin.Length > 0 ? begin[0] : null,
            EndTokens = [.. end.Union(generation?.TokenIds("eos_token_id", vocabulary) ?? []).Order()],
        }.Validated(fields.Path);
    }

    public override ModelConfig ReadGguf(GgufFields fields, ITensorStore tensors)
    {
        int experts = fields.Integer("expert_count", 0, int.MaxValue, 0);
        if (experts > 0 && Name == "llama")
            return ByName("mixtral").ReadGguf(fields, tensors);
        int hidden = fields.Integer("embedding_length", 1, ConfigLimits.Hidden);
        int heads = fields.Integer("attention.head_count", 1, ConfigLimits.Heads);
        int headDimension = fields.Integer("attention.key_length", 1, ConfigLimits.HeadDimension, Math.Max(1, hidden / heads));
        int context = fields.Integer("context_length", 1, ConfigLimits.Context);
        int window = fields.Integer("attention.sliding_window", 0, int.MaxValue, 0);
        if (window != 0 && window < context)
            throw new ModelException(ModelError.UnsupportedModel, $"{fields.Path}: an attention window of {window} positions, expected none");
        int vocabulary = ReadVocabulary(fields, tensors);
        return new ModelConfig
        {
            Family = Name,
            Naming = TensorNaming.Gguf,
            Blocks = fields.Integer("block_count", 1, ConfigLimits.Blocks),
            Hidden = hidden,
            Heads = heads,
            KeyValueHeads = fields.Integer("attention.head_count_kv", 1, ConfigLimits.Heads, heads),
            HeadDimension = headDimension,
            FeedForward = fields.Integer("feed_forward_length", 1, ConfigLimits.FeedForward),
            Vocabulary = vocabulary,
            Context = context,
            NormEpsilon = fields.Number("attention.layer_norm_rms_epsilon", 0, 1),
            Rotary = ReadGgufRotary(fields, tensors, headDimension),
            TiedEnds = !Has(TensorRole.Head),
            AttentionBias = Has(TensorRole.QueryBias),
            AttentionOutputBias = Has(TensorRole.AttentionOutputBias),
            FeedForwardBias = Has(TensorRole.GateBias),
            BeginToken = fields.TokenId("tokenizer.ggml.bos_token_id", vocabulary),
            EndTokens = [.. new[] { "eos", "eot", "eom" }
                .Select(kind => fields.TokenId($"tokenizer.ggml.{kind}_token_id", vocabulary))
                .OfType<int>().Distinct().Order()],
        }.Validated(fields.Path);

        bool Has(TensorRole role) => tensors.TryGet(TensorName(TensorNaming.Gguf, role), out _);
    }

    private static void RefuseWindow(JsonFields fields, int context)
    {
        // Qwen names a window and says apart whether it is used.
        if (!fields.Has("sliding_window") || !fields.Flag("use_sliding_window", true))
            return;
        int window = fields.Integer("sliding_window", 1, int.MaxValue);
        if (window < context)
            throw new ModelException(ModelError.UnsupportedModel, $"{fields.Path}: sliding_window = {window}, expected none below the context of {context}");
    }

    private int ReadVocabulary(GgufFields fields, ITensorStore tensors)
    {
        // Older files have no vocab_size; the embedding's rows say it.
        if (fields.Has("vocab_size"))
            return fields.Integer("vocab_size", 1, ConfigLimits.Vocabulary);
        if (tensors.TryGet(TensorName(TensorNaming.Gguf, TensorRole.Embedding), out TensorInfo embedding)
            && embedding.Rows is >= 1 and <= ConfigLimits.Vocabulary)
        {
            return (int)embedding.Rows;
        }

        return fields.Integer("vocab_size", 1, ConfigLimits.Vocabulary);
    }

    private RotaryConfig ReadGgufRotary(GgufFields fields, ITensorStore tensors, int headDimension)
    {
        string scaling = fields.Text("rope.scaling.type", "none");
        bool storedFactors = tensors.TryGet(TensorName(TensorNaming.Gguf, TensorRole.RotaryFactors), out _);
        RotaryScaling kind = scaling switch
        {
            "none" => storedFactors ? RotaryScaling.StoredFactors : RotaryScaling.None,
            "linear" when !storedFactors => RotaryScaling.Linear,
            _ => throw new ModelException(ModelError.UnsupportedModel, $"{fields.Path}: rope.scaling.type {scaling}, expected none or linear"),
        };

        // Files from before rope.scaling wrote the linear factor alone.
        float legacy = fields.Number("rope.scale_linear", 1e-6f, 1e6f, 1);
        if (kind == RotaryScaling.None && legacy != 1)
            kind = RotaryScaling.Linear;
        return new RotaryConfig
        {
            Theta = fields.Number("rope.freq_base", 1, 1e12f, 10_000),
            Layout = GgufLayout,
            Dimension = fields.Integer("rope.dimension_count", 2, ConfigLimits.HeadDimension, headDimension),
            Scaling = kind,
            Factor = kind == RotaryScaling.Linear ? fields.Number("rope.scaling.factor", 1e-6f, 1e6f, legacy) : 1,
        };
    }
}
