using Swarm.Kernels;
using Swarm.Models.Files;

namespace Swarm.Models.Families;

/// <summary>GPT-NeoX and Pythia (arXiv 2204.06745): layer norms, a plain feed-forward part, beside attention where the flag says so, and part of a head turns.</summary>
internal sealed class GptNeoxFamily : ModelFamily
{
    private static readonly HuggingFaceShape Shape = new() { Epsilon = ["layer_norm_eps"], EpsilonFallback = 1e-5f, ActivationFallback = "gelu" };

    private static readonly Dictionary<TensorRole, (string HuggingFace, string Gguf)> Names = new()
    {
        [TensorRole.Embedding] = ("gpt_neox.embed_in.weight", "token_embd.weight"),
        [TensorRole.FinalNorm] = ("gpt_neox.final_layer_norm.weight", "output_norm.weight"),
        [TensorRole.FinalNormBias] = ("gpt_neox.final_layer_norm.bias", "output_norm.bias"),
        [TensorRole.Head] = ("embed_out.weight", "output.weight"),
        [TensorRole.AttentionNorm] = ("gpt_neox.layers.{0}.input_layernorm.weight", "blk.{0}.attn_norm.weight"),
        [TensorRole.AttentionNormBias] = ("gpt_neox.layers.{0}.input_layernorm.bias", "blk.{0}.attn_norm.bias"),
        [TensorRole.QueryKeyValue] = ("gpt_neox.layers.{0}.attention.query_key_value.weight", "blk.{0}.attn_qkv.weight"),
        [TensorRole.QueryKeyValueBias] = ("gpt_neox.layers.{0}.attention.query_key_value.bias", "blk.{0}.attn_qkv.bias"),
        [TensorRole.AttentionOutput] = ("gpt_neox.layers.{0}.attention.dense.weight", "blk.{0}.attn_output.weight"),
        [TensorRole.AttentionOutputBias] = ("gpt_neox.layers.{0}.attention.dense.bias", "blk.{0}.attn_output.bias"),
        [TensorRole.FeedForwardNorm] = ("gpt_neox.layers.{0}.post_attention_layernorm.weight", "blk.{0}.ffn_norm.weight"),
        [TensorRole.FeedForwardNormBias] = ("gpt_neox.layers.{0}.post_attention_layernorm.bias", "blk.{0}.ffn_norm.bias"),
        [TensorRole.Up] = ("gpt_neox.layers.{0}.mlp.dense_h_to_4h.weight", "blk.{0}.ffn_up.weight"),
        [TensorRole.UpBias] = ("gpt_neox.layers.{0}.mlp.dense_h_to_4h.bias", "blk.{0}.ffn_up.bias"),
        [TensorRole.Down] = ("gpt_neox.layers.{0}.mlp.dense_4h_to_h.weight", "blk.{0}.ffn_down.weight"),
        [TensorRole.DownBias] = ("gpt_neox.layers.{0}.mlp.dense_4h_to_h.bias", "blk.{0}.ffn_down.bias"),
    };

    public override string Name => "gpt-neox";

    public override IReadOnlyList<string> HuggingFaceTypes => ["gpt_neox"];

    public override IReadOnlyList<string> GgufArchitectures => ["gptneox"];

    protected override IReadOnlyDictionary<TensorRole, (string HuggingFace, string Gguf)> TensorNames => Names;

    public override ModelConfig ReadHuggingFace(JsonFields fields, JsonFields? generation)
    {
        ModelConfig config = Shape.Read(Name, fields, generation);
        bool attentionBias = fields.Flag("attention_bias", true);
        return config with
        {
            Norm = NormKind.Layer,
            Wiring = fields.Flag("use_parallel_residual", true) ? BlockWiring.Parallel : BlockWiring.Sequential,
            GatedFeedForward = false,
            Rotary = HuggingFaceRotary.Read(fields, config.HeadDimension, config.Context, "rotary_pct", "rotary_emb_base"),
            AttentionBias = attentionBias,
            AttentionOutputBias = attentionBias,
            FeedForwardBias = true,
        };
    }

    public override ModelConfig ReadGguf(GgufFields fields, ITensorStore tensors) => GgufShape.Read(this, fields, tensors, NormKind.Layer, RotaryLayout.HalfSplit) with
    {
        Wiring = fields.Flag("use_parallel_residual", true) ? BlockWiring.Parallel : BlockWiring.Sequential,
        GatedFeedForward = false,
        Activation = Activation.Gelu,
    };

    // Checkpoints have them head by head; converters of GGUF bring them apart.
    protected override JoinedProjections Joined(ModelConfig config) =>
        config.Naming == TensorNaming.Gguf ? JoinedProjections.InTurn(config) : JoinedProjections.ByGroups(config);
}
