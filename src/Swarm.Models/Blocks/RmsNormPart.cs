using Swarm.Kernels;

namespace Swarm.Models.Blocks;

/// <summary>Root mean square norm (arXiv 1910.07467, equation 4) with its weights [hidden].</summary>
internal sealed class RmsNormPart(float[] weight, float epsilon)
{
    public long ResidentBytes => 4L * weight.Length;

    /// <summary>output [tokens, hidden] = the norm of input [tokens, hidden].</summary>
    public void Apply(KernelSet kernels, ReadOnlySpan<float> input, int tokens, Span<float> output) =>
        kernels.RmsNorm(input, weight, epsilon, tokens, output[..input.Length]);
}
