using Swarm.Models.Blocks;
using Swarm.Models.Files;

namespace Swarm.Models.Families;

/// <summary>
/// Gemma 2 (arXiv 2408.00118): Gemma with norms before and behind each part, a window in every other block, soft caps of scores and logits, and a scale of scores of its own.
/// </summary>
internal class Gemma2Family : GemmaFamily
{
    private const int Blocks27B = 46;

    /// <summary>Names that Gemma 3 shares.</summary>
    protected static readonly Dictionary<TensorRole, (string HuggingFace, string Gguf)> Gemma2Names = new(LlamaNames)
    {
        [TensorRole.AttentionPostNorm] = ("model.layers.{0}.post_attention_layernorm.weight", "blk.{0}.post_attention_norm.weight"),
        [TensorRole.FeedForwardNorm] = ("model.layers.{0}.pre_feedforward_layernorm.weight", "blk.{0}.ffn_norm.weight"),
        [TensorRole.FeedForwardPostNorm] = ("model.layers.{0}.post_feedforward_layernorm.weight", "blk.{0}.post_ffw_norm.weight"),
    };

    public override string Name => "gemma2";

    public override IReadOnlyList<string> HuggingFaceTypes => ["gemma2"];

    public override IReadOnlyList<string> GgufArchitectures => ["gemma2"];

    protected override IReadOnlyDictionary<TensorRole, (string HuggingFace, string Gguf)> TensorNames => Gemma2Names;

    /// <summary>Blocks of the one size whose GGUF files mean another scale: 1/√(hidden ÷ heads).</summary>
    protected virtual int BlocksOfOtherScale => Blocks27B;

    public override ModelConfig ReadHuggingFace(JsonFields fields, JsonFields? generation) => base.ReadHuggingFace(fields, generation) with
    {
        NormPlacement = NormPlacement.Around,
        AttentionScale = (float)(1 / Math.Sqrt(fields.Number("query_pre_attn_scalar", 1e-6f, 1e6f, 256))),
        AttentionSoftCap = SoftCap(fields, "attn_logit_softcapping", DefaultSoftCaps.Attention),
        LogitSoftCap = SoftCap(fields, "final_logit_softcapping", DefaultSoftCaps.Logits),
    };

    public override ModelConfig ReadGguf(GgufFields fields, ITensorStore tensors)
    {
        ModelConfig config = base.ReadGguf(fields, tensors);
        float scale = AttentionPart.ScaleOf(config.Blocks == BlocksOfOtherScale ? config.Hidden / config.Heads : config.HeadDimension);
        return config with
        {
            NormPlacement = NormPlacement.Around,
            AttentionScale = fields.Number("attention.scale", 1e-6f, 1e6f, scale),
            AttentionSoftCap = fields.Number("attn_logit_softcapping", 0, 1e6f, DefaultSoftCaps.Attention),
            LogitSoftCap = fields.Number("final_logit_softcapping", 0, 1e6f, DefaultSoftCaps.Logits),
        };
    }

    /// <summary>Caps where the file names none.</summary>
    protected virtual (float Attention, float Logits) DefaultSoftCaps => (50, 30);

    protected override ModelConfig ReadWindow(ModelConfig config, JsonFields fields) => HuggingFaceWindow.Read(config, fields, WindowedInGguf);

    protected override bool WindowedInGguf(int block) => block % 2 == 0;

    // A cap that is null is none.
    private static float SoftCap(JsonFields fields, string name, float fallback) => fields.IsNull(name) ? 0 : fields.Number(name, 0, 1e6f, fallback);
}
