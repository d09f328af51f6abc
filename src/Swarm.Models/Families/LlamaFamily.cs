using Swarm.Kernels;
using Swarm.Models.Files;

namespace Swarm.Models.Families;

/// <summary>
/// Llama (arXiv 2302.13971) and its descendants of the same shape: RMS norm before each part, grouped-query attention with rotary positions, SwiGLU.
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

    public override IReadOnlyList<string> HuggingFaceTypes => ["llama"];

    public override IReadOnlyList<string> GgufArchitectures => ["llama"];

    /// <summary>Files of the Llama architecture have query and key rows reordered for neighbours; most others keep the checkpoint's halves.</summary>
    protected virtual RotaryLayout GgufLayout => RotaryLayout.Interleaved;

    protected override IReadOnlyDictionary<TensorRole, (string HuggingFace, string Gguf)> TensorNames => LlamaNames;

    /// <summary>Names of config.json's fields.</summary>
    protected virtual HuggingFaceShape Shape { get; } = new();

    public override ModelConfig ReadHuggingFace(JsonFields fields, JsonFields? generation)
    {
        ModelConfig config = Shape.Read(Name, fields, generation);
        bool attentionBias = fields.Flag("attention_bias", false);
        config = ReadRotary(config, fields) with
        {
            AttentionBias = attentionBias,
            AttentionOutputBias = attentionBias,
            FeedForwardBias = fields.Flag("mlp_bias", false),
        };
        return ReadWindow(config, fields);
    }

    public override ModelConfig ReadGguf(GgufFields fields, ITensorStore tensors)
    {
        int experts = fields.Integer("expert_count", 0, int.MaxValue, 0);
        if (experts > 0 && Name == "llama")
            return ByName("mixtral").ReadGguf(fields, tensors);
        ModelConfig config = ReadRotary(GgufShape.Read(this, fields, tensors, NormKind.Rms, GgufLayout), fields);
        return GgufShape.WithWindow(config, fields, WindowedInGguf);
    }

    /// <summary>Adds the rotary embedding that config.json names.</summary>
    protected virtual ModelConfig ReadRotary(ModelConfig config, JsonFields fields) =>
        config with { Rotary = HuggingFaceRotary.Read(fields, config.HeadDimension, config.Context) };

    /// <summary>Changes the rotary embedding that a GGUF file's metadata names.</summary>
    protected virtual ModelConfig ReadRotary(ModelConfig config, GgufFields fields) => config;

    /// <summary>Adds the window that config.json names.</summary>
    protected virtual ModelConfig ReadWindow(ModelConfig config, JsonFields fields)
    {
        // Llama's own configuration knows none.
        int window = fields.Has("sliding_window") ? fields.Integer("sliding_window", 1, int.MaxValue) : int.MaxValue;
        if (window < config.Context && fields.Flag("use_sliding_window", true))
        {
            throw new ModelException(
                ModelError.UnsupportedModel, $"{fields.Path}: sliding_window = {window} in a model of type {Name}, expected none below the context of {config.Context}");
        }

        return config;
    }

    /// <summary>Which blocks have the window that a GGUF file names.</summary>
    protected virtual bool WindowedInGguf(int block) => true;
}
