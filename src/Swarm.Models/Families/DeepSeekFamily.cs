using Swarm.Kernels;
using Swarm.Models.Blocks;
using Swarm.Models.Files;

namespace Swarm.Models.Families;

/// <summary>DeepSeek-V3 and those of its shape (arXiv 2412.19437): latent attention, experts behind some dense blocks.</summary>
internal class DeepSeekFamily : LlamaFamily
{
    private static readonly Dictionary<TensorRole, (string HuggingFace, string Gguf)> Names = new(ExpertNames(LlamaNames))
    {
        [TensorRole.QueryDown] = ("model.layers.{0}.self_attn.q_a_proj.weight", "blk.{0}.attn_q_a.weight"),
        [TensorRole.QueryDownNorm] = ("model.layers.{0}.self_attn.q_a_layernorm.weight", "blk.{0}.attn_q_a_norm.weight"),
        [TensorRole.QueryUp] = ("model.layers.{0}.self_attn.q_b_proj.weight", "blk.{0}.attn_q_b.weight"),
        [TensorRole.LatentDown] = ("model.layers.{0}.self_attn.kv_a_proj_with_mqa.weight", "blk.{0}.attn_kv_a_mqa.weight"),
        [TensorRole.LatentNorm] = ("model.layers.{0}.self_attn.kv_a_layernorm.weight", "blk.{0}.attn_kv_a_norm.weight"),
        [TensorRole.LatentUp] = ("model.layers.{0}.self_attn.kv_b_proj.weight", "blk.{0}.attn_kv_b.weight"),
        [TensorRole.LatentKeys] = (string.Empty, "blk.{0}.attn_k_b.weight"),
        [TensorRole.LatentValues] = (string.Empty, "blk.{0}.attn_v_b.weight"),
    };

    public override string Name => "deepseek-v3";

    public override IReadOnlyList<string> HuggingFaceTypes => ["deepseek_v3"];

    public override IReadOnlyList<string> GgufArchitectures => ["deepseek2"];

    protected override IReadOnlyDictionary<TensorRole, (string HuggingFace, string Gguf)> TensorNames => Names;

    public override ModelConfig ReadHuggingFace(JsonFields fields, JsonFields? generation)
    {
        ModelConfig config = base.ReadHuggingFace(fields, generation);
        if (config.AttentionBias)
            throw new ModelException(ModelError.UnsupportedModel, $"{fields.Path}: attention_bias = true, expected false with latent attention");
        var latent = new LatentConfig
        {
            QueryRank = fields.Has("q_lora_rank") ? fields.Integer("q_lora_rank", 1, ConfigLimits.Hidden) : 0,
            KeyValueRank = fields.Integer("kv_lora_rank", 1, ConfigLimits.HeadDimension),
            RotaryDimension = fields.Integer("qk_rope_head_dim", 2, ConfigLimits.HeadDimension),
            PlainDimension = fields.Integer("qk_nope_head_dim", 1, ConfigLimits.HeadDimension),
            ValueDimension = fields.Integer("v_head_dim", 1, ConfigLimits.HeadDimension),
        };
        RotaryConfig rotary = HuggingFaceRotary.Read(fields, latent.RotaryDimension, config.Context) with
        {
            Layout = fields.Flag("rope_interleave", true) ? RotaryLayout.Interleaved : RotaryLayout.HalfSplit,
            Dimension = latent.RotaryDimension,
        };
        return Latent(fields.Path, config, latent, rotary, MagnitudeOfAll(fields)) with
        {
            Experts = ReadExperts(fields),
        };
    }

    public override ModelConfig ReadGguf(GgufFields fields, ITensorStore tensors)
    {
        ModelConfig config = base.ReadGguf(fields, tensors);
        int turned = config.Rotary.Dimension;

        // Older files give the heads' own lengths under the general names, newer ones those of the latent form.
        int head = fields.Integer("attention.key_length_mla", 1, ConfigLimits.HeadDimension, config.HeadDimension);
        if (head <= turned)
            throw new ModelException(ModelError.CorruptModel, $"{fields.Path}: a key length of {head}, expected more than the {turned} values that turn");
        var latent = new LatentConfig
        {
            QueryRank = fields.Integer("attention.q_lora_rank", 0, ConfigLimits.Hidden, 0),
            KeyValueRank = fields.Integer("attention.kv_lora_rank", 1, ConfigLimits.HeadDimension),
            RotaryDimension = turned,
            PlainDimension = head - turned,
            ValueDimension = fields.Integer(
                fields.Has("attention.value_length_mla") ? "attention.value_length_mla" : "attention.value_length", 1, ConfigLimits.HeadDimension),
        };

        // 0.1 · mscale_all_dim; that of cosines and sines cancels out.
        float growth = fields.Number("rope.scaling.yarn_log_multiplier", 0, 1e3f, 0);
        ExpertConfig? experts =
            fields.Integer("expert_count", 0, ConfigLimits.Experts, 0) == 0 ? null : WithGroups(ExpertFields.ReadGgufDeepSeek(fields, RouterScores.Softmax));
        return Latent(fields.Path, config, latent, config.Rotary with { Magnitude = 1 }, 1 + growth * HostMath.Log(Math.Max(1, config.Rotary.Factor))) with
        {
            // Both generations name one architecture; their routers tell them apart.
            Family = experts?.Router.Scores == RouterScores.Sigmoid ? Name : DeepSeekV2Family.OwnName,
            Blocks = ExpertFields.WithoutPredictors(fields, config.Blocks),
            Experts = experts,
        };
    }

    /// <summary>The experts that config.json names.</summary>
    protected virtual ExpertConfig ReadExperts(JsonFields fields) => ExpertFields.ReadDeepSeek(fields, RouterScores.Sigmoid);

    protected override AttentionPart LoadAttention(TensorLoader loader, int block)
    {
        ModelConfig config = loader.Config;
        LatentConfig latent = config.Latent!;
        int heads = config.Heads, rank = latent.KeyValueRank, turned = latent.RotaryDimension;
        int queryWidth = heads * (latent.PlainDimension + turned);
        bool direct = latent.QueryRank == 0;
        var query = new LatentQuery(
            direct ? null : loader.Projection(TensorRole.QueryDown, null, block, latent.QueryRank, config.Hidden),
            direct ? null : loader.Norm(TensorRole.QueryDownNorm, TensorRole.QueryNormBias, block, latent.QueryRank),
            direct
                ? loader.Projection(TensorRole.Query, null, block, queryWidth, config.Hidden)
                : loader.Projection(TensorRole.QueryUp, null, block, queryWidth, latent.QueryRank));
        return new LatentAttention(
            latent,
            AttentionPart.ShapeOf(config, block),
            loader.Rotary(block),
            query,
            loader.Projection(TensorRole.LatentDown, null, block, RowSlice.Of(rank + turned, 0, rank), rank, config.Hidden),
            loader.Norm(TensorRole.LatentNorm, TensorRole.KeyNormBias, block, rank),
            loader.Projection(TensorRole.LatentDown, null, block, RowSlice.Of(rank + turned, rank, turned), turned, config.Hidden),
            [.. Enumerable.Range(0, heads).Select(head => LoadKeys(loader, block, latent, head))],
            [.. Enumerable.Range(0, heads).Select(head => LoadValues(loader, block, latent, head))],
            loader.Projection(TensorRole.AttentionOutput, null, block, config.Hidden, heads * latent.ValueDimension));
    }

    private static Projection LoadKeys(TensorLoader loader, int block, LatentConfig latent, int head)
    {
        int heads = loader.Config.Heads, rank = latent.KeyValueRank, plain = latent.PlainDimension, both = plain + latent.ValueDimension;
        return loader.Has(TensorRole.LatentKeys, block)
            ? loader.Projection(TensorRole.LatentKeys, null, block, RowSlice.All(rank) with { Matrices = heads, Index = head }, rank, plain)
            : loader.TurnedProjection(TensorRole.LatentUp, block, heads * both, head * both, plain, rank);
    }

    private static Projection LoadValues(TensorLoader loader, int block, LatentConfig latent, int head)
    {
        int heads = loader.Config.Heads, rank = latent.KeyValueRank, value = latent.ValueDimension, both = latent.PlainDimension + value;
        return loader.Has(TensorRole.LatentValues, block)
            ? loader.Projection(TensorRole.LatentValues, null, block, RowSlice.All(value) with { Matrices = heads, Index = head }, value, rank)
            : loader.Projection(TensorRole.LatentUp, null, block, RowSlice.Of(heads * both, head * both + latent.PlainDimension, value), value, rank);
    }

    private static ModelConfig Latent(string path, ModelConfig config, LatentConfig latent, RotaryConfig rotary, double magnitude)
    {
        int head = latent.PlainDimension + latent.RotaryDimension;
        if ((latent.KeyValueRank + latent.RotaryDimension) % 8 != 0 || latent.KeyValueRank % 8 != 0)
        {
            throw new ModelException(
                ModelError.UnsupportedModel, $"{path}: a latent of {latent.KeyValueRank} and a shared key of {latent.RotaryDimension} values, expected multiples of 8");
        }

        return config with
        {
            KeyValueHeads = 1,
            HeadDimension = head,
            Rotary = rotary,
            Latent = latent,
            AttentionScale = (float)(magnitude * magnitude / Math.Sqrt(head)),
        };
    }

    // YaRN's magnitude of scores, apart from that of cosines and sines.
    private static double MagnitudeOfAll(JsonFields fields)
    {
        if ((fields.Object("rope_parameters") ?? fields.Object("rope_scaling")) is not { } scaling || !scaling.Has("mscale_all_dim"))
            return 1;
        double all = scaling.Number("mscale_all_dim", 0, 1e3f);
        double factor = scaling.Number("factor", 1e-6f, 1e6f, 1);
        return factor <= 1 ? 1 : 1 + 0.1 * all * HostMath.Log(factor);
    }

    // Files of DeepSeek-V3 from before there were keys for its groups.
    private static ExpertConfig WithGroups(ExpertConfig experts) => experts.Router is { Scores: RouterScores.Sigmoid, Experts: 256, Groups: 1 }
        ? experts with { Router = experts.Router with { Groups = 8, ChosenGroups = 4 } }
        : experts;
}
