using Swarm.Kernels;

namespace Swarm.Models.Families;

/// <summary>What the configurations of several families say of experts in the same words.</summary>
internal static class ExpertFields
{
    // GGUF's expert_gating_func.
    private const int GgufSoftmax = 1;
    private const int GgufSigmoid = 2;
    private const int GgufSoftmaxOfChosen = 3;

    /// <summary>Checks what no single field shows.</summary>
    /// <exception cref="ModelException">CorruptModel, naming value and what was expected.</exception>
    public static ExpertConfig Checked(string path, ExpertConfig config)
    {
        RouterShape router = config.Router;
        if (router.Chosen > router.Experts)
            throw new ModelException(ModelError.CorruptModel, $"{path}: {router.Chosen} experts a token, expected at most the {router.Experts} that there are");
        if (router.Experts % router.Groups != 0)
            throw new ModelException(ModelError.CorruptModel, $"{path}: {router.Experts} experts in {router.Groups} groups, expected equal groups");
        if (router.ChosenGroups > router.Groups || router.Experts / router.Groups * router.ChosenGroups < router.Chosen)
        {
            throw new ModelException(
                ModelError.CorruptModel,
                $"{path}: {router.ChosenGroups} of {router.Groups} groups of experts, expected at most all, with the {router.Chosen} experts a token among them");
        }

        return config;
    }

    /// <summary>config.json of DeepSeek-V3, and of those who took its words over.</summary>
    /// <param name="fields">Its fields.</param>
    /// <param name="scores">What its router makes of logits.</param>
    public static ExpertConfig ReadDeepSeek(JsonFields fields, RouterScores scores)
    {
        int inner = fields.Integer("moe_intermediate_size", 1, ConfigLimits.FeedForward);
        int groups = fields.Integer("n_group", 1, ConfigLimits.Experts, 1);
        return Checked(fields.Path, new ExpertConfig
        {
            Router = new RouterShape(fields.Integer("n_routed_experts", 2, ConfigLimits.Experts), fields.Integer("num_experts_per_tok", 1, ConfigLimits.Experts), scores)
            {
                Groups = groups,
                ChosenGroups = fields.Integer("topk_group", 1, ConfigLimits.Experts, groups),
                GroupsBySumOfTwo = scores == RouterScores.Sigmoid,
                Renormalized = scores == RouterScores.Sigmoid && fields.Flag("norm_topk_prob", true),
                Scale = fields.Number("routed_scaling_factor", 0, 1e6f, 1),
            },
            FeedForward = inner,
            SharedFeedForward = inner * fields.Integer("n_shared_experts", 0, 64, 0),
            DenseBlocks = fields.Integer("first_k_dense_replace", 0, ConfigLimits.Blocks, 0),
            Corrections = scores == RouterScores.Sigmoid,
        });
    }

    /// <summary>GGUF metadata of the same.</summary>
    /// <param name="fields">Metadata.</param>
    /// <param name="usual">Scores where the file does not say.</param>
    public static ExpertConfig ReadGgufDeepSeek(GgufFields fields, RouterScores usual)
    {
        int inner = fields.Integer("expert_feed_forward_length", 1, ConfigLimits.FeedForward);
        RouterShape router = ReadRouter(fields, usual);
        return Checked(fields.Path, new ExpertConfig
        {
            Router = router,
            FeedForward = inner,
            SharedFeedForward = inner * fields.Integer("expert_shared_count", 0, 64, 0),
            DenseBlocks = fields.Integer("leading_dense_block_count", 0, ConfigLimits.Blocks, 0),
            Corrections = router.Scores == RouterScores.Sigmoid,
        });
    }

    /// <summary>Blocks without those behind the last that predict further tokens, which GGUF counts among them.</summary>
    public static int WithoutPredictors(GgufFields fields, int blocks)
    {
        int predictors = fields.Integer("nextn_predict_layers", 0, blocks, 0);
        return predictors < blocks
            ? blocks - predictors
            : throw new ModelException(ModelError.CorruptModel, $"{fields.Path}: nextn_predict_layers = {predictors}, expected fewer than the {blocks} blocks");
    }

    /// <summary>The router of GGUF metadata.</summary>
    /// <param name="fields">Metadata.</param>
    /// <param name="usual">Scores where the file does not say.</param>
    public static RouterShape ReadRouter(GgufFields fields, RouterScores usual)
    {
        int experts = fields.Integer("expert_count", 2, ConfigLimits.Experts);
        RouterScores scores = fields.Integer("expert_gating_func", 0, int.MaxValue, 0) switch
        {
            0 => usual,
            GgufSoftmax => usual == RouterScores.SoftmaxOfChosen ? usual : RouterScores.Softmax,
            GgufSigmoid => RouterScores.Sigmoid,
            GgufSoftmaxOfChosen => RouterScores.SoftmaxOfChosen,
            int other => throw new ModelException(ModelError.UnsupportedModel, $"{fields.Path}: expert_gating_func {other}, expected 1 to 3"),
        };
        // 0 is written for none.
        float scale = fields.Number("expert_weights_scale", 0, 1e6f, 0);
        int groups = Math.Max(1, fields.Integer("expert_group_count", 0, ConfigLimits.Experts, 0));
        int kept = fields.Integer("expert_group_used_count", 0, ConfigLimits.Experts, 0);
        return new RouterShape(experts, fields.Integer("expert_used_count", 1, ConfigLimits.Experts), scores)
        {
            Groups = groups,
            ChosenGroups = kept == 0 ? groups : kept,
            GroupsBySumOfTwo = scores == RouterScores.Sigmoid,
            Renormalized = scores == RouterScores.Sigmoid && fields.Flag("expert_weights_norm", true),
            Scale = scale == 0 ? 1 : scale,
        };
    }
}
