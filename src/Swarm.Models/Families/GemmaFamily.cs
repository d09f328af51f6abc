using Swarm.Kernels;
using Swarm.Models.Files;

namespace Swarm.Models.Families;

/// <summary>Gemma (arXiv 2403.08295): Llama with tied ends, GELU for SiLU, norms that multiply with 1 + weight, and embeddings scaled by √hidden.</summary>
internal class GemmaFamily : LlamaFamily
{
    public override string Name => "gemma";

    public override IReadOnlyList<string> HuggingFaceTypes => ["gemma"];

    public override IReadOnlyList<string> GgufArchitectures => ["gemma"];

    protected override RotaryLayout GgufLayout => RotaryLayout.HalfSplit;

    protected override HuggingFaceShape Shape { get; } = new()
    {
        // Gemma's first files name the exact form under hidden_act and mean the other.
        Activation = ["hidden_activation"],
        ActivationFallback = "gelu_pytorch_tanh",
        TiedFallback = true,
    };

    public override ModelConfig ReadHuggingFace(JsonFields fields, JsonFields? generation)
    {
        if (fields.Flag("use_bidirectional_attention", false))
            throw new ModelException(ModelError.UnsupportedModel, $"{fields.Path}: use_bidirectional_attention, expected attention to what came before");
        ModelConfig config = base.ReadHuggingFace(fields, generation);
        return config with { EmbeddingScale = EmbeddingScale(config.Hidden, fields.Text(fields.First(["dtype", "torch_dtype"]), "float32")) };
    }

    public override ModelConfig ReadGguf(GgufFields fields, ITensorStore tensors)
    {
        ModelConfig config = base.ReadGguf(fields, tensors);
        return config with { Activation = Activation.GeluTanh, EmbeddingScale = EmbeddingScale(config.Hidden, "float32") };
    }

    /// <summary>GGUF files have the one added already.</summary>
    public override float[] NormWeights(TensorNaming naming, float[] stored) =>
        naming == TensorNaming.Gguf ? stored : [.. stored.Select(weight => 1f + weight)];

    // The reference has the factor in the type of the checkpoint's weights.
    private static float EmbeddingScale(int hidden, string type)
    {
        float exact = (float)Math.Sqrt(hidden);
        if (type == "float16")
            return (float)(Half)exact;
        if (type != "bfloat16")
            return exact;
        uint bits = BitConverter.SingleToUInt32Bits(exact);
        return BitConverter.UInt32BitsToSingle((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000);
    }
}
