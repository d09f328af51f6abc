using Swarm.Kernels;
using Swarm.Models.Files;

namespace Swarm.Models.Families;

/// <summary>Phi-1 to Phi-2 (arXiv 2306.11644): attention and a plain feed-forward part beside each other behind one layer norm, biases everywhere, part of a head turns.</summary>
internal sealed class PhiFamily : ModelFamily
{
    private static readonly HuggingFaceShape Shape = new() { Epsilon = ["layer_norm_eps"], EpsilonFallback = 1e-5f, ActivationFallback = "gelu_new" };

    private static readonly Dictionary<TensorRole, (string HuggingFace, string Gguf)> Names = new()
    {
        [TensorRole.Embedding] = ("model.embed_tokens.weight", "token_embd.weight"),
        [TensorRole.FinalNorm] = ("model.final_layernorm.weight", "output_norm.weight"),
        [TensorRole.FinalNormBias] = ("model.final_layernorm.bias", "output_norm.bias"),
        [TensorRole.Head] = ("lm_head.weight", "output.weight"),
        [TensorRole.HeadBias] = ("lm_head.bias", "output.bias"),
        [TensorRole.AttentionNorm] = ("model.layers.{0}.input_layernorm.weight", "blk.{0}.attn_norm.weight"),
        [TensorRole.AttentionNormBias] = ("model.layers.{0}.input_layernorm.bias", "blk.{0}.attn_norm.bias"),
        [TensorRole.QueryKeyValue] = ("model.layers.{0}.self_attn.query_key_value.weight", "blk.{0}.attn_qkv.weight"),
        [TensorRole.QueryKeyValueBias] = ("model.layers.{0}.self_attn.query_key_value.bias", "blk.{0}.attn_qkv.bias"),
        [TensorRole.Query] = ("model.layers.{0}.self_attn.q_proj.weight", "blk.{0}.attn_q.weight"),
        [TensorRole.QueryBias] = ("model.layers.{0}.self_attn.q_proj.bias", "blk.{0}.attn_q.bias"),
        [TensorRole.Key] = ("model.layers.{0}.self_attn.k_proj.weight", "blk.{0}.attn_k.weight"),
        [TensorRole.KeyBias] = ("model.layers.{0}.self_attn.k_proj.bias", "blk.{0}.attn_k.bias"),
        [TensorRole.Value] = ("model.layers.{0}.self_attn.v_proj.weight", "blk.{0}.attn_v.weight"),
        [TensorRole.ValueBias] = ("model.layers.{0}.self_attn.v_proj.bias", "blk.{0}.attn_v.bias"),
        [TensorRole.AttentionOutput] = ("model.layers.{0}.self_attn.dense.weight", "blk.{0}.attn_output.weight"),
        [TensorRole.AttentionOutputBias] = ("model.layers.{0}.self_attn.dense.bias", "blk.{0}.attn_output.bias"),
        [TensorRole.Up] = ("model.layers.{0}.mlp.fc1.weight", "blk.{0}.ffn_up.weight"),
        [TensorRole.UpBias] = ("model.layers.{0}.mlp.fc1.bias", "blk.{0}.ffn_up.bias"),
        [TensorRole.Down] = ("model.layers.{0}.mlp.fc2.weight", "blk.{0}.ffn_down.weight"),
        [TensorRole.DownBias] = ("model.layers.{0}.mlp.fc2.bias", "blk.{0}.ffn_down.bias"),
    };

    public override string Name => "phi";

    public override IReadOnlyList<string> HuggingFaceTypes => ["phi"];

    public override IReadOnlyList<string> GgufArchitectures => ["phi2"];

    protected override IReadOnlyDictionary<TensorRole, (string HuggingFace, string Gguf)> TensorNames => Names;

    public override ModelConfig ReadHuggingFace(JsonFields fields, JsonFields? generation)
    {
        if (fields.Flag("qk_layernorm", false))
            throw new ModelException(ModelError.UnsupportedModel, $"{fields.Path}: qk_layernorm, expected queries and keys without norms");
        ModelConfig config = Shape.Read(Name, fields, generation);
        return config with
        {
            Norm = NormKind.Layer,
            Wiring = BlockWiring.ParallelSharedNorm,
            GatedFeedForward = false,
            Rotary = HuggingFaceRotary.Read(fields, config.HeadDimension, config.Context),
            AttentionBias = true,
            AttentionOutputBias = true,
            FeedForwardBias = true,
            HeadBias = true,
        };
    }

    public override ModelConfig ReadGguf(GgufFields fields, ITensorStore tensors) => GgufShape.Read(this, fields, tensors, NormKind.Layer, RotaryLayout.HalfSplit) with
    {
        Wiring = BlockWiring.ParallelSharedNorm,
        GatedFeedForward = false,
        Activation = Activation.GeluTanh,
    };

    protected override JoinedProjections Joined(ModelConfig config) => JoinedProjections.InTurn(config);
}
