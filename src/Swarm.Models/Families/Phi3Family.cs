using Swarm.Kernels;

namespace Swarm.Models.Families;

/// <summary>Phi-3 and Phi-4 (arXiv 2404.14219): Llama with queries, keys and values in one matrix, gate and up in another, and LongRoPE.</summary>
internal sealed class Phi3Family : LlamaFamily
{
    private static readonly Dictionary<TensorRole, (string HuggingFace, string Gguf)> Names = new(LlamaNames)
    {
        [TensorRole.RotaryFactors] = ("rope_factors_short.weight", "rope_factors_short.weight"),
        [TensorRole.QueryKeyValue] = ("model.layers.{0}.self_attn.qkv_proj.weight", "blk.{0}.attn_qkv.weight"),
        [TensorRole.QueryKeyValueBias] = ("model.layers.{0}.self_attn.qkv_proj.bias", "blk.{0}.attn_qkv.bias"),
        [TensorRole.Up] = ("model.layers.{0}.mlp.gate_up_proj.weight", "blk.{0}.ffn_up.weight"),
        [TensorRole.UpBias] = ("model.layers.{0}.mlp.gate_up_proj.bias", "blk.{0}.ffn_up.bias"),
    };

    public override string Name => "phi3";

    public override IReadOnlyList<string> HuggingFaceTypes => ["phi3"];

    public override IReadOnlyList<string> GgufArchitectures => ["phi3"];

    protected override RotaryLayout GgufLayout => RotaryLayout.HalfSplit;

    protected override HuggingFaceShape Shape { get; } = new() { EpsilonFallback = 1e-5f };

    protected override IReadOnlyDictionary<TensorRole, (string HuggingFace, string Gguf)> TensorNames => Names;

    protected override ModelConfig ReadRotary(ModelConfig config, JsonFields fields) => Bounded(base.ReadRotary(config, fields));

    protected override ModelConfig ReadRotary(ModelConfig config, GgufFields fields) => Bounded(config);

    protected override ModelConfig ReadWindow(ModelConfig config, JsonFields fields) => HuggingFaceWindow.Read(config, fields, _ => true);

    protected override JoinedProjections Joined(ModelConfig config) => JoinedProjections.InTurn(config) with { GateAndUp = true };

    // Beyond the original context all positions would turn otherwise, those already computed too.
    private static ModelConfig Bounded(ModelConfig config) => config.Rotary is { Scaling: RotaryScaling.Factors or RotaryScaling.StoredFactors, OriginalContext: > 0 } rotary
        ? config with { Context = Math.Min(config.Context, rotary.OriginalContext) }
        : config;
}
