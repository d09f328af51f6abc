using Swarm.Kernels;
using Swarm.Models.Files;

namespace Swarm.Models.Families;

/// <summary>GLM-4.5 and its descendants (arXiv 2508.06471): grouped queries that turn in part, then experts as DeepSeek-V3 has them.</summary>
internal sealed class Glm4MoeFamily : LlamaFamily
{
    private static readonly Dictionary<TensorRole, (string HuggingFace, string Gguf)> Names = new(ExpertNames(LlamaNames))
    {
        [TensorRole.FeedForwardNorm] = ("model.layers.{0}.post_attention_layernorm.weight", "blk.{0}.post_attention_norm.weight"),
        [TensorRole.QueryNorm] = ("model.layers.{0}.self_attn.q_norm.weight", "blk.{0}.attn_q_norm.weight"),
        [TensorRole.KeyNorm] = ("model.layers.{0}.self_attn.k_norm.weight", "blk.{0}.attn_k_norm.weight"),
    };

    public override string Name => "glm4-moe";

    public override IReadOnlyList<string> HuggingFaceTypes => ["glm4_moe"];

    public override IReadOnlyList<string> GgufArchitectures => ["glm4moe"];

    protected override RotaryLayout GgufLayout => RotaryLayout.HalfSplit;

    protected override IReadOnlyDictionary<TensorRole, (string HuggingFace, string Gguf)> TensorNames => Names;

    public override ModelConfig ReadHuggingFace(JsonFields fields, JsonFields? generation) => base.ReadHuggingFace(fields, generation) with
    {
        // Its attention_bias means queries, keys and values alone.
        AttentionOutputBias = false,
        QueryKeyNorm = fields.Flag("use_qk_norm", false) ? QueryKeyNorm.Head : QueryKeyNorm.None,
        Experts = ExpertFields.ReadDeepSeek(fields, RouterScores.Sigmoid),
    };

    public override ModelConfig ReadGguf(GgufFields fields, ITensorStore tensors)
    {
        ModelConfig config = base.ReadGguf(fields, tensors);
        return config with
        {
            Blocks = ExpertFields.WithoutPredictors(fields, config.Blocks),
            QueryKeyNorm = tensors.TryGet(TensorName(TensorNaming.Gguf, TensorRole.QueryNorm), out _) ? QueryKeyNorm.Head : QueryKeyNorm.None,
            Experts = ExpertFields.ReadGgufDeepSeek(fields, RouterScores.Sigmoid),
        };
    }
}
