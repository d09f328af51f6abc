using Swarm.Kernels;
using Swarm.Models.Files;

namespace Swarm.Models.Families;

/// <summary>GPT-2: layer norms, learned positions, a plain feed-forward part; checkpoints have their matrices by inputs.</summary>
internal sealed class Gpt2Family : ModelFamily
{
    private static readonly HuggingFaceShape Shape = new()
    {
        Hidden = ["n_embd", "hidden_size"],
        Heads = ["n_head", "num_attention_heads"],
        Blocks = ["n_layer", "num_hidden_layers"],
        FeedForward = ["n_inner"],
        FeedForwardMultiple = 4,
        Context = ["n_positions", "n_ctx", "max_position_embeddings"],
        Epsilon = ["layer_norm_epsilon"],
        EpsilonFallback = 1e-5f,
        Activation = ["activation_function"],
        ActivationFallback = "gelu_new",
        TiedFallback = true,
    };

    private static readonly Dictionary<TensorRole, (string HuggingFace, string Gguf)> Names = new()
    {
        [TensorRole.Embedding] = ("transformer.wte.weight", "token_embd.weight"),
        [TensorRole.PositionEmbedding] = ("transformer.wpe.weight", "position_embd.weight"),
        [TensorRole.FinalNorm] = ("transformer.ln_f.weight", "output_norm.weight"),
        [TensorRole.FinalNormBias] = ("transformer.ln_f.bias", "output_norm.bias"),
        [TensorRole.Head] = ("lm_head.weight", "output.weight"),
        [TensorRole.AttentionNorm] = ("transformer.h.{0}.ln_1.weight", "blk.{0}.attn_norm.weight"),
        [TensorRole.AttentionNormBias] = ("transformer.h.{0}.ln_1.bias", "blk.{0}.attn_norm.bias"),
        [TensorRole.QueryKeyValue] = ("transformer.h.{0}.attn.c_attn.weight", "blk.{0}.attn_qkv.weight"),
        [TensorRole.QueryKeyValueBias] = ("transformer.h.{0}.attn.c_attn.bias", "blk.{0}.attn_qkv.bias"),
        [TensorRole.AttentionOutput] = ("transformer.h.{0}.attn.c_proj.weight", "blk.{0}.attn_output.weight"),
        [TensorRole.AttentionOutputBias] = ("transformer.h.{0}.attn.c_proj.bias", "blk.{0}.attn_output.bias"),
        [TensorRole.FeedForwardNorm] = ("transformer.h.{0}.ln_2.weight", "blk.{0}.ffn_norm.weight"),
        [TensorRole.FeedForwardNormBias] = ("transformer.h.{0}.ln_2.bias", "blk.{0}.ffn_norm.bias"),
        [TensorRole.Up] = ("transformer.h.{0}.mlp.c_fc.weight", "blk.{0}.ffn_up.weight"),
        [TensorRole.UpBias] = ("transformer.h.{0}.mlp.c_fc.bias", "blk.{0}.ffn_up.bias"),
        [TensorRole.Down] = ("transformer.h.{0}.mlp.c_proj.weight", "blk.{0}.ffn_down.weight"),
        [TensorRole.DownBias] = ("transformer.h.{0}.mlp.c_proj.bias", "blk.{0}.ffn_down.bias"),
    };

    public override string Name => "gpt2";

    public override IReadOnlyList<string> HuggingFaceTypes => ["gpt2"];

    public override IReadOnlyList<string> GgufArchitectures => ["gpt2"];

    protected override IReadOnlyDictionary<TensorRole, (string HuggingFace, string Gguf)> TensorNames => Names;

    /// <summary>The first checkpoints were written without the head, whose names then begin later.</summary>
    protected override IReadOnlyList<(string Usual, string Other)> OtherPrefixes => [("transformer.", "")];

    public override ModelConfig ReadHuggingFace(JsonFields fields, JsonFields? generation)
    {
        foreach (string flag in (string[])["scale_attn_by_inverse_layer_idx", "add_cross_attention"])
        {
            if (fields.Flag(flag, false))
                throw new ModelException(ModelError.UnsupportedModel, $"{fields.Path}: {flag}, expected a model without it");
        }

        return Finished(Shape.Read(Name, fields, generation)) with
        {
            AttentionScale = fields.Flag("scale_attn_weights", true) ? null : 1f,
            AttentionBias = true,
            AttentionOutputBias = true,
            FeedForwardBias = true,
        };
    }

    public override ModelConfig ReadGguf(GgufFields fields, ITensorStore tensors) =>
        Finished(GgufShape.Read(this, fields, tensors, NormKind.Layer, null)) with { Activation = Activation.GeluTanh };

    // Converters of GGUF turn them.
    protected override JoinedProjections Joined(ModelConfig config)
    {
        JoinedProjections joined = JoinedProjections.InTurn(config);
        return config.Naming == TensorNaming.Gguf ? joined : joined.ByInputs();
    }

    private static ModelConfig Finished(ModelConfig config) =>
        config with { Norm = NormKind.Layer, Positions = PositionKind.Learned, GatedFeedForward = false };
}
