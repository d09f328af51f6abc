using Swarm.Kernels;
using Swarm.Models.Files;

namespace Swarm.Models.Families;

/// <summary>BLOOM (arXiv 2211.05100): layer norms, also of the embeddings, a plain feed-forward part, and scores that fall with the distance.</summary>
internal sealed class BloomFamily : ModelFamily
{
    private static readonly HuggingFaceShape Shape = new()
    {
        Hidden = ["hidden_size", "n_embed"],
        Heads = ["n_head", "num_attention_heads"],
        Blocks = ["n_layer", "num_hidden_layers"],
        FeedForward = ["n_inner"],
        FeedForwardMultiple = 4,
        Context = ["seq_length"],
        Epsilon = ["layer_norm_epsilon"],
        EpsilonFallback = 1e-5f,
        ActivationFallback = "gelu_new",
        TiedFallback = true,
    };

    private static readonly Dictionary<TensorRole, (string HuggingFace, string Gguf)> Names = new()
    {
        [TensorRole.Embedding] = ("transformer.word_embeddings.weight", "token_embd.weight"),
        [TensorRole.EmbeddingNorm] = ("transformer.word_embeddings_layernorm.weight", "token_embd_norm.weight"),
        [TensorRole.EmbeddingNormBias] = ("transformer.word_embeddings_layernorm.bias", "token_embd_norm.bias"),
        [TensorRole.FinalNorm] = ("transformer.ln_f.weight", "output_norm.weight"),
        [TensorRole.FinalNormBias] = ("transformer.ln_f.bias", "output_norm.bias"),
        [TensorRole.Head] = ("lm_head.weight", "output.weight"),
        [TensorRole.AttentionNorm] = ("transformer.h.{0}.input_layernorm.weight", "blk.{0}.attn_norm.weight"),
        [TensorRole.AttentionNormBias] = ("transformer.h.{0}.input_layernorm.bias", "blk.{0}.attn_norm.bias"),
        [TensorRole.QueryKeyValue] = ("transformer.h.{0}.self_attention.query_key_value.weight", "blk.{0}.attn_qkv.weight"),
        [TensorRole.QueryKeyValueBias] = ("transformer.h.{0}.self_attention.query_key_value.bias", "blk.{0}.attn_qkv.bias"),
        [TensorRole.AttentionOutput] = ("transformer.h.{0}.self_attention.dense.weight", "blk.{0}.attn_output.weight"),
        [TensorRole.AttentionOutputBias] = ("transformer.h.{0}.self_attention.dense.bias", "blk.{0}.attn_output.bias"),
        [TensorRole.FeedForwardNorm] = ("transformer.h.{0}.post_attention_layernorm.weight", "blk.{0}.ffn_norm.weight"),
        [TensorRole.FeedForwardNormBias] = ("transformer.h.{0}.post_attention_layernorm.bias", "blk.{0}.ffn_norm.bias"),
        [TensorRole.Up] = ("transformer.h.{0}.mlp.dense_h_to_4h.weight", "blk.{0}.ffn_up.weight"),
        [TensorRole.UpBias] = ("transformer.h.{0}.mlp.dense_h_to_4h.bias", "blk.{0}.ffn_up.bias"),
        [TensorRole.Down] = ("transformer.h.{0}.mlp.dense_4h_to_h.weight", "blk.{0}.ffn_down.weight"),
        [TensorRole.DownBias] = ("transformer.h.{0}.mlp.dense_4h_to_h.bias", "blk.{0}.ffn_down.bias"),
    };

    public override string Name => "bloom";

    public override IReadOnlyList<string> HuggingFaceTypes => ["bloom"];

    public override IReadOnlyList<string> GgufArchitectures => ["bloom"];

    protected override IReadOnlyDictionary<TensorRole, (string HuggingFace, string Gguf)> TensorNames => Names;

    protected override IReadOnlyList<(string Usual, string Other)> OtherPrefixes => [("transformer.", "")];

    public override ModelConfig ReadHuggingFace(JsonFields fields, JsonFields? generation)
    {
        if (fields.Flag("apply_residual_connection_post_layernorm", false))
        {
            throw new ModelException(
                ModelError.UnsupportedModel, $"{fields.Path}: apply_residual_connection_post_layernorm, expected parts that are added to what was not normed");
        }

        return Finished(Shape.Read(Name, fields, generation)) with { AttentionBias = true, AttentionOutputBias = true, FeedForwardBias = true };
    }

    public override ModelConfig ReadGguf(GgufFields fields, ITensorStore tensors) => Finished(GgufShape.Read(this, fields, tensors, NormKind.Layer, null));

    // Checkpoints have them head by head; converters of GGUF bring them apart.
    protected override JoinedProjections Joined(ModelConfig config) =>
        config.Naming == TensorNaming.Gguf ? JoinedProjections.InTurn(config) : JoinedProjections.ByGroups(config);

    private static ModelConfig Finished(ModelConfig config) => config with
    {
        Norm = NormKind.Layer,
        EmbeddingNorm = true,
        Positions = PositionKind.Slopes,
        GatedFeedForward = false,
        Activation = Activation.GeluTanh,
    };
}
