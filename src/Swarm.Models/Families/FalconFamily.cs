using Swarm.Kernels;
using Swarm.Models.Files;

namespace Swarm.Models.Families;

/// <summary>
/// Falcon (arXiv 2311.16867): layer norms and a plain feed-forward part. Its sizes differ: one key-value head or several or all, parts beside each other behind one norm or
/// two, or one after the other, positions that turn or scores that fall with the distance, biases or none.
/// </summary>
internal sealed class FalconFamily : ModelFamily
{
    private static readonly HuggingFaceShape Shape = new()
    {
        Heads = ["num_attention_heads", "n_head"],
        KeyValueHeads = ["num_kv_heads", "n_head_kv"],
        Blocks = ["num_hidden_layers", "n_layer"],
        FeedForward = ["ffn_hidden_size"],
        FeedForwardMultiple = 4,
        Epsilon = ["layer_norm_epsilon"],
        EpsilonFallback = 1e-5f,
        Activation = ["activation"],
        ActivationFallback = "gelu",
        TiedFallback = true,
    };

    private static readonly Dictionary<TensorRole, (string HuggingFace, string Gguf)> Names = new()
    {
        [TensorRole.Embedding] = ("transformer.word_embeddings.weight", "token_embd.weight"),
        [TensorRole.FinalNorm] = ("transformer.ln_f.weight", "output_norm.weight"),
        [TensorRole.FinalNormBias] = ("transformer.ln_f.bias", "output_norm.bias"),
        [TensorRole.Head] = ("lm_head.weight", "output.weight"),
        [TensorRole.AttentionNorm] = ("transformer.h.{0}.ln_attn.weight", "blk.{0}.attn_norm_2.weight"),
        [TensorRole.AttentionNormBias] = ("transformer.h.{0}.ln_attn.bias", "blk.{0}.attn_norm_2.bias"),
        [TensorRole.QueryKeyValue] = ("transformer.h.{0}.self_attention.query_key_value.weight", "blk.{0}.attn_qkv.weight"),
        [TensorRole.QueryKeyValueBias] = ("transformer.h.{0}.self_attention.query_key_value.bias", "blk.{0}.attn_qkv.bias"),
        [TensorRole.AttentionOutput] = ("transformer.h.{0}.self_attention.dense.weight", "blk.{0}.attn_output.weight"),
        [TensorRole.AttentionOutputBias] = ("transformer.h.{0}.self_attention.dense.bias", "blk.{0}.attn_output.bias"),
        [TensorRole.FeedForwardNorm] = ("transformer.h.{0}.ln_mlp.weight", "blk.{0}.attn_norm.weight"),
        [TensorRole.FeedForwardNormBias] = ("transformer.h.{0}.ln_mlp.bias", "blk.{0}.attn_norm.bias"),
        [TensorRole.Up] = ("transformer.h.{0}.mlp.dense_h_to_4h.weight", "blk.{0}.ffn_up.weight"),
        [TensorRole.UpBias] = ("transformer.h.{0}.mlp.dense_h_to_4h.bias", "blk.{0}.ffn_up.bias"),
        [TensorRole.Down] = ("transformer.h.{0}.mlp.dense_4h_to_h.weight", "blk.{0}.ffn_down.weight"),
        [TensorRole.DownBias] = ("transformer.h.{0}.mlp.dense_4h_to_h.bias", "blk.{0}.ffn_down.bias"),
    };

    // Of models with one norm, or with parts one after the other.
    private static readonly Dictionary<TensorRole, (string HuggingFace, string Gguf)> Others = new()
    {
        [TensorRole.AttentionNorm] = ("transformer.h.{0}.input_layernorm.weight", "blk.{0}.attn_norm.weight"),
        [TensorRole.AttentionNormBias] = ("transformer.h.{0}.input_layernorm.bias", "blk.{0}.attn_norm.bias"),
        [TensorRole.FeedForwardNorm] = ("transformer.h.{0}.post_attention_layernorm.weight", "blk.{0}.ffn_norm.weight"),
        [TensorRole.FeedForwardNormBias] = ("transformer.h.{0}.post_attention_layernorm.bias", "blk.{0}.ffn_norm.bias"),
    };

    public override string Name => "falcon";

    /// <summary>The first files call the small size RefinedWebModel and the large one RefinedWeb.</summary>
    public override IReadOnlyList<string> HuggingFaceTypes => ["falcon", "RefinedWebModel", "RefinedWeb"];

    public override IReadOnlyList<string> GgufArchitectures => ["falcon"];

    protected override IReadOnlyDictionary<TensorRole, (string HuggingFace, string Gguf)> TensorNames => Names;

    protected override IReadOnlyDictionary<TensorRole, (string HuggingFace, string Gguf)> OtherNames => Others;

    public override ModelConfig ReadHuggingFace(JsonFields fields, JsonFields? generation)
    {
        ModelConfig config = Shape.Read(Name, fields, generation);
        bool newer = fields.Flag("new_decoder_architecture", fields.Text("model_type") == "RefinedWeb");
        bool beside = newer || fields.Flag("parallel_attn", true);
        bool slopes = fields.Flag("alibi", false);
        bool bias = fields.Flag("bias", false);
        int norms = fields.Integer("num_ln_in_parallel_attn", 1, 2, newer ? 2 : 1);
        return config with
        {
            KeyValueHeads = newer || !fields.Flag("multi_query", true) ? config.KeyValueHeads : 1,
            Norm = NormKind.Layer,
            Wiring = !beside ? BlockWiring.Sequential : newer && norms == 2 ? BlockWiring.Parallel : BlockWiring.ParallelSharedNorm,
            GatedFeedForward = false,
            Positions = slopes ? PositionKind.ScaledSlopes : PositionKind.Rotary,
            Rotary = slopes ? RotaryConfig.None : HuggingFaceRotary.Read(fields, config.HeadDimension, config.Context),
            AttentionBias = bias,
            AttentionOutputBias = bias,
            FeedForwardBias = bias,
        };
    }

    public override ModelConfig ReadGguf(GgufFields fields, ITensorStore tensors) => GgufShape.Read(this, fields, tensors, NormKind.Layer, RotaryLayout.HalfSplit) with
    {
        Wiring = tensors.TryGet(TensorName(TensorNaming.Gguf, TensorRole.AttentionNorm), out _) ? BlockWiring.Parallel : BlockWiring.ParallelSharedNorm,
        GatedFeedForward = false,
        Activation = Activation.Gelu,
    };

    // Checkpoints have them by key-value heads; converters of GGUF bring them apart.
    protected override JoinedProjections Joined(ModelConfig config) =>
        config.Naming == TensorNaming.Gguf ? JoinedProjections.InTurn(config) : JoinedProjections.ByGroups(config);
}
