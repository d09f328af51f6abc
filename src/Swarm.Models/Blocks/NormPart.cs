using Swarm.Kernels;

namespace Swarm.Models.Blocks;

/// <summary>A norm with its weights [width], and its biases where the kind has them.</summary>
internal sealed class NormPart(NormKind kind, float[] weight, float[] bias, float epsilon)
{
    public long ResidentBytes => 4L * (weight.Length + bias.Length);

    /// <summary>The same for one row, beside other calls of the kernels; of layer norms alone.</summary>
    public void ApplyRow(KernelSet kernels, ReadOnlySpan<float> input, Span<float> output) => kernels.LayerNormRow(input, weight, bias, epsilon, output);

    /// <summary>output [rows, width] = the norm of input [rows, width], each row by itself; may be the same memory.</summary>
    public void Apply(KernelSet kernels, ReadOnlySpan<float> input, int rows, Span<float> output)
    {
        int length = rows * weight.Length;
        if (kind == NormKind.Rms)
            kernels.RmsNorm(input[..length], weight, epsilon, rows, output[..length]);
        else
            kernels.LayerNorm(input[..length], weight, bias, epsilon, rows, output[..length]);
    }
}
