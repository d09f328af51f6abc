using Swarm.Kernels;

namespace Swarm.Models.Families;

/// <summary>What checkpoints call activations.</summary>
internal static class ActivationNames
{
    /// <summary>Reads one.</summary>
    /// <param name="fields">config.json.</param>
    /// <param name="name">The field.</param>
    /// <param name="fallback">The activation where the field is absent.</param>
    public static Activation Read(JsonFields fields, string name, string fallback)
    {
        string text = fields.Text(name, fallback);
        return text switch
        {
            "silu" or "swish" => Activation.Silu,
            "gelu" or "gelu_python" => Activation.Gelu,
            "gelu_new" or "gelu_fast" or "gelu_pytorch_tanh" or "gelu_python_tanh" => Activation.GeluTanh,
            "quick_gelu" => Activation.GeluSigmoid,
            "relu" => Activation.Relu,
            _ => throw new ModelException(
                ModelError.UnsupportedModel,
                $"{fields.Path}: {name} {text}, expected silu, gelu, gelu_new, gelu_fast, gelu_pytorch_tanh, quick_gelu or relu"),
        };
    }
}
