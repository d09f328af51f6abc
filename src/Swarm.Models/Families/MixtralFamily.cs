using Swarm.Kernels;
using Swarm.Models.Files;

namespace Swarm.Models.Families;

/// <summary>Mixtral (arXiv 2401.04088): Mistral with experts in every block. GGUF files of it name the Llama architecture with a number of experts.</summary>
internal sealed class MixtralFamily : MistralFamily
{
    private static readonly Dictionary<TensorRole, (string HuggingFace, string Gguf)> Names = new(LlamaNames)
    {
        [TensorRole.Router] = ("model.layers.{0}.block_sparse_moe.gate.weight", "blk.{0}.ffn_gate_inp.weight"),
        [TensorRole.ExpertGate] = ("model.layers.{0}.block_sparse_moe.experts.{1}.w1.weight", "blk.{0}.ffn_gate.{1}.weight"),
        [TensorRole.ExpertUp] = ("model.layers.{0}.block_sparse_moe.experts.{1}.w3.weight", "blk.{0}.ffn_up.{1}.weight"),
        [TensorRole.ExpertDown] = ("model.layers.{0}.block_sparse_moe.experts.{1}.w2.weight", "blk.{0}.ffn_down.{1}.weight"),
        [TensorRole.ExpertsGate] = (string.Empty, "blk.{0}.ffn_gate_exps.weight"),
        [TensorRole.ExpertsUp] = (string.Empty, "blk.{0}.ffn_up_exps.weight"),
        [TensorRole.ExpertsGateUp] = ("model.layers.{0}.mlp.experts.gate_up_proj", "blk.{0}.ffn_gate_up_exps.weight"),
        [TensorRole.ExpertsDown] = ("model.layers.{0}.mlp.experts.down_proj", "blk.{0}.ffn_down_exps.weight"),
    };

    public override string Name => "mixtral";

    public override IReadOnlyList<string> HuggingFaceTypes => ["mixtral"];

    public override IReadOnlyList<string> GgufArchitectures => [];

    protected override IReadOnlyDictionary<TensorRole, (string HuggingFace, string Gguf)> TensorNames => Names;

    public override ModelConfig ReadHuggingFace(JsonFields fields, JsonFields? generation)
    {
        ModelConfig config = base.ReadHuggingFace(fields, generation);
        return config with
        {
            Experts = ExpertFields.Checked(fields.Path, new ExpertConfig
            {
                Router = new RouterShape(
                    fields.Integer("num_local_experts", 2, ConfigLimits.Experts), fields.Integer("num_experts_per_tok", 1, ConfigLimits.Experts), RouterScores.SoftmaxOfChosen),
                FeedForward = config.FeedForward,
            }),
        };
    }

    public override ModelConfig ReadGguf(GgufFields fields, ITensorStore tensors)
    {
        ModelConfig config = base.ReadGguf(fields, tensors);
        return config with
        {
            Experts = ExpertFields.Checked(fields.Path, new ExpertConfig
            {
                Router = ExpertFields.ReadRouter(fields, RouterScores.SoftmaxOfChosen),
                FeedForward = fields.Integer("expert_feed_forward_length", 1, ConfigLimits.FeedForward, config.FeedForward),
            }),
        };
    }
}
