using Swarm.Kernels;
using Swarm.Models.Files;

namespace Swarm.Models.Families;

/// <summary>Qwen3 (arXiv 2505.09388): Llama with norms of each head's queries and keys, and a window in the upper blocks where one is used.</summary>
internal class Qwen3Family : LlamaFamily
{
    /// <summary>Names that descendants share.</summary>
    protected static readonly Dictionary<TensorRole, (string HuggingFace, string Gguf)> Qwen3Names = new(LlamaNames)
    {
        [TensorRole.QueryNorm] = ("model.layers.{0}.self_attn.q_norm.weight", "blk.{0}.attn_q_norm.weight"),
        [TensorRole.KeyNorm] = ("model.layers.{0}.self_attn.k_norm.weight", "blk.{0}.attn_k_norm.weight"),
    };

    public override string Name => "qwen3";

    public override IReadOnlyList<string> HuggingFaceTypes => ["qwen3"];

    public override IReadOnlyList<string> GgufArchitectures => ["qwen3"];

    protected override IReadOnlyDictionary<TensorRole, (string HuggingFace, string Gguf)> TensorNames => Qwen3Names;

    protected override RotaryLayout GgufLayout => RotaryLayout.HalfSplit;

    public override ModelConfig ReadHuggingFace(JsonFields fields, JsonFields? generation) =>
        base.ReadHuggingFace(fields, generation) with { QueryKeyNorm = QueryKeyNorm.Head };

    public override ModelConfig ReadGguf(GgufFields fields, ITensorStore tensors) =>
        base.ReadGguf(fields, tensors) with { QueryKeyNorm = QueryKeyNorm.Head };

    protected override ModelConfig ReadWindow(ModelConfig config, JsonFields fields)
    {
        int lower = fields.Integer("max_window_layers", 0, int.MaxValue, 0);
        return HuggingFaceWindow.Read(config, fields, block => block >= lower);
    }
}
