using Swarm.Kernels;
using Swarm.Models.Files;

namespace Swarm.Models.Families;

/// <summary>OLMo 2 (arXiv 2501.00656): Llama with norms behind each part in place of before it, and norms of a token's queries and keys over all heads.</summary>
internal sealed class Olmo2Family : LlamaFamily
{
    private static readonly Dictionary<TensorRole, (string HuggingFace, string Gguf)> Names = new(LlamaNames)
    {
        [TensorRole.AttentionPostNorm] = ("model.layers.{0}.post_attention_layernorm.weight", "blk.{0}.post_attention_norm.weight"),
        [TensorRole.FeedForwardPostNorm] = ("model.layers.{0}.post_feedforward_layernorm.weight", "blk.{0}.post_ffw_norm.weight"),
        [TensorRole.QueryNorm] = ("model.layers.{0}.self_attn.q_norm.weight", "blk.{0}.attn_q_norm.weight"),
        [TensorRole.KeyNorm] = ("model.layers.{0}.self_attn.k_norm.weight", "blk.{0}.attn_k_norm.weight"),
    };

    public override string Name => "olmo2";

    public override IReadOnlyList<string> HuggingFaceTypes => ["olmo2"];

    public override IReadOnlyList<string> GgufArchitectures => ["olmo2"];

    protected override IReadOnlyDictionary<TensorRole, (string HuggingFace, string Gguf)> TensorNames => Names;

    protected override RotaryLayout GgufLayout => RotaryLayout.HalfSplit;

    public override ModelConfig ReadHuggingFace(JsonFields fields, JsonFields? generation) => Placed(base.ReadHuggingFace(fields, generation));

    public override ModelConfig ReadGguf(GgufFields fields, ITensorStore tensors) => Placed(base.ReadGguf(fields, tensors));

    private static ModelConfig Placed(ModelConfig config) => config with { NormPlacement = NormPlacement.After, QueryKeyNorm = QueryKeyNorm.Token };
}
