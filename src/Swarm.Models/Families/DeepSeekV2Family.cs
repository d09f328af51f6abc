using Swarm.Kernels;

namespace Swarm.Models.Families;

/// <summary>DeepSeek-V2 (arXiv 2405.04434): V3 with another router, and in its small form without a latent of queries.</summary>
internal sealed class DeepSeekV2Family : DeepSeekFamily
{
    /// <summary>Its name.</summary>
    public const string OwnName = "deepseek-v2";

    public override string Name => OwnName;

    public override IReadOnlyList<string> HuggingFaceTypes => ["deepseek_v2"];

    public override IReadOnlyList<string> GgufArchitectures => [];

    protected override ExpertConfig ReadExperts(JsonFields fields)
    {
        if (fields.Text("scoring_func", "softmax") is var scoring && scoring != "softmax")
            throw new ModelException(ModelError.UnsupportedModel, $"{fields.Path}: scoring_func {scoring}, expected softmax");
        if (fields.Integer("moe_layer_freq", 1, ConfigLimits.Blocks, 1) is var every && every != 1)
            throw new ModelException(ModelError.UnsupportedModel, $"{fields.Path}: moe_layer_freq = {every}, expected 1");
        ExpertConfig experts = ExpertFields.ReadDeepSeek(fields, RouterScores.Softmax);
        return fields.Text("topk_method", "greedy") switch
        {
            "greedy" => experts with { Router = experts.Router with { Groups = 1, ChosenGroups = 1 } },
            "group_limited_greedy" => experts,
            string other => throw new ModelException(ModelError.UnsupportedModel, $"{fields.Path}: topk_method {other}, expected greedy or group_limited_greedy"),
        };
    }
}
