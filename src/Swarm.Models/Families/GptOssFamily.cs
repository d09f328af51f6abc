using Swarm.Kernels;
using Swarm.Models.Files;

namespace Swarm.Models.Families;

/// <summary>
/// gpt-oss (arXiv 2508.10925): blocks with and without a window take turns, a sink a head, experts with biases and a clamped gate. Its checkpoints hold experts as microscaled floats, or
/// as floats stored by inputs; gates and what they multiply take turns row by row.
/// </summary>
internal sealed class GptOssFamily : LlamaFamily
{
    // What the model computes with where no file says.
    private const float Alpha = 1.702f;
    private const float Limit = 7;

    private static readonly Dictionary<TensorRole, (string HuggingFace, string Gguf)> Names = new(LlamaNames)
    {
        [TensorRole.Sinks] = ("model.layers.{0}.self_attn.sinks", "blk.{0}.attn_sinks.weight"),
        [TensorRole.FeedForwardNorm] = ("model.layers.{0}.post_attention_layernorm.weight", "blk.{0}.post_attention_norm.weight"),
        [TensorRole.Router] = ("model.layers.{0}.mlp.router.weight", "blk.{0}.ffn_gate_inp.weight"),
        [TensorRole.RouterBias] = ("model.layers.{0}.mlp.router.bias", "blk.{0}.ffn_gate_inp.bias"),
        [TensorRole.ExpertsGateUp] = ("model.layers.{0}.mlp.experts.gate_up_proj", string.Empty),
        [TensorRole.ExpertsGateUpBlocks] = ("model.layers.{0}.mlp.experts.gate_up_proj_blocks", string.Empty),
        [TensorRole.ExpertsGateUpScales] = ("model.layers.{0}.mlp.experts.gate_up_proj_scales", string.Empty),
        [TensorRole.ExpertsGateUpBias] = ("model.layers.{0}.mlp.experts.gate_up_proj_bias", string.Empty),
        [TensorRole.ExpertsGate] = (string.Empty, "blk.{0}.ffn_gate_exps.weight"),
        [TensorRole.ExpertsGateBias] = (string.Empty, "blk.{0}.ffn_gate_exps.bias"),
        [TensorRole.ExpertsUp] = (string.Empty, "blk.{0}.ffn_up_exps.weight"),
        [TensorRole.ExpertsUpBias] = (string.Empty, "blk.{0}.ffn_up_exps.bias"),
        [TensorRole.ExpertsDown] = ("model.layers.{0}.mlp.experts.down_proj", "blk.{0}.ffn_down_exps.weight"),
        [TensorRole.ExpertsDownBlocks] = ("model.layers.{0}.mlp.experts.down_proj_blocks", string.Empty),
        [TensorRole.ExpertsDownScales] = ("model.layers.{0}.mlp.experts.down_proj_scales", string.Empty),
        [TensorRole.ExpertsDownBias] = ("model.layers.{0}.mlp.experts.down_proj_bias", "blk.{0}.ffn_down_exps.bias"),
    };

    public override string Name => "gpt-oss";

    public override IReadOnlyList<string> HuggingFaceTypes => ["gpt_oss"];

    public override IReadOnlyList<string> GgufArchitectures => ["gpt-oss"];

    protected override RotaryLayout GgufLayout => RotaryLayout.HalfSplit;

    protected override bool ExpertsInterleaved => true;

    protected override IReadOnlyDictionary<TensorRole, (string HuggingFace, string Gguf)> TensorNames => Names;

    protected override ModelConfig ReadWindow(ModelConfig config, JsonFields fields) => HuggingFaceWindow.Read(config, fields, HasWindow);

    protected override bool WindowedInGguf(int block) => HasWindow(block);

    public override ModelConfig ReadHuggingFace(JsonFields fields, JsonFields? generation)
    {
        ModelConfig config = base.ReadHuggingFace(fields, generation);
        return config with
        {
            AttentionSinks = true,
            Experts = ExpertFields.Checked(fields.Path, new ExpertConfig
            {
                Router = new RouterShape(
                    fields.Integer("num_local_experts", 2, ConfigLimits.Experts), fields.Integer("num_experts_per_tok", 1, ConfigLimits.Experts), RouterScores.SoftmaxOfChosen),
                FeedForward = config.FeedForward,
                Gate = new GateForm { Alpha = fields.Number("swiglu_alpha", 1e-3f, 1e3f, Alpha), Limit = fields.Number("swiglu_limit", 1e-3f, 1e6f, Limit) },
                Biases = true,
            }),
        };
    }

    public override ModelConfig ReadGguf(GgufFields fields, ITensorStore tensors)
    {
        ModelConfig config = base.ReadGguf(fields, tensors);
        return config with
        {
            AttentionSinks = true,

            // The model's makers ramp between pairs that are not whole; files do not say it.
            Rotary = config.Rotary with { Truncates = false },
            Experts = ExpertFields.Checked(fields.Path, new ExpertConfig
            {
                Router = ExpertFields.ReadRouter(fields, RouterScores.SoftmaxOfChosen),
                FeedForward = fields.Integer("expert_feed_forward_length", 1, ConfigLimits.FeedForward, config.FeedForward),
                Gate = new GateForm { Alpha = Alpha, Limit = Limit },
                Biases = true,
            }),
        };
    }

    private static bool HasWindow(int block) => block % 2 == 0;
}
