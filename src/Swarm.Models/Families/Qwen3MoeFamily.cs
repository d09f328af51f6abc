using Swarm.Kernels;
using Swarm.Models.Files;

namespace Swarm.Models.Families;

/// <summary>Qwen3 with experts (arXiv 2505.09388, section 2).</summary>
internal sealed class Qwen3MoeFamily : Qwen3Family
{
    private static readonly Dictionary<TensorRole, (string HuggingFace, string Gguf)> Names = ExpertNames(Qwen3Names);

    public override string Name => "qwen3-moe";

    public override IReadOnlyList<string> HuggingFaceTypes => ["qwen3_moe"];

    public override IReadOnlyList<string> GgufArchitectures => ["qwen3moe"];

    protected override IReadOnlyDictionary<TensorRole, (string HuggingFace, string Gguf)> TensorNames => Names;

    public override ModelConfig ReadHuggingFace(JsonFields fields, JsonFields? generation)
    {
        ModelConfig config = base.ReadHuggingFace(fields, generation);
        int experts = fields.Integer(fields.Has("num_experts") ? "num_experts" : "num_local_experts", 2, ConfigLimits.Experts);
        int step = fields.Integer("decoder_sparse_step", 1, ConfigLimits.Blocks, 1);
        int[] dense = fields.Integers("mlp_only_layers", 0, ConfigLimits.Blocks);
        return config with
        {
            Experts = ExpertFields.Checked(fields.Path, new ExpertConfig
            {
                Router = new RouterShape(
                    experts, fields.Integer("num_experts_per_tok", 1, ConfigLimits.Experts),
                    fields.Flag("norm_topk_prob", false) ? RouterScores.SoftmaxOfChosen : RouterScores.Softmax),
                FeedForward = fields.Integer("moe_intermediate_size", 1, ConfigLimits.FeedForward),
                OtherDenseBlocks = [.. Enumerable.Range(0, config.Blocks).Where(block => dense.Contains(block) || (block + 1) % step != 0)],
            }),
        };
    }

    public override ModelConfig ReadGguf(GgufFields fields, ITensorStore tensors) => base.ReadGguf(fields, tensors) with
    {
        Experts = ExpertFields.Checked(fields.Path, new ExpertConfig
        {
            Router = ExpertFields.ReadRouter(fields, RouterScores.SoftmaxOfChosen),
            FeedForward = fields.Integer("expert_feed_forward_length", 1, ConfigLimits.FeedForward),
        }),
    };
}
