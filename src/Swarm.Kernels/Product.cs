namespace Swarm.Kernels;

/// <summary>One of several matrices that read the same input. The spans are borrowed for the call.</summary>
/// <param name="weights">A matrix that the kernel set packed.</param>
/// <param name="bias">[weights.Rows], or empty for none.</param>
/// <param name="output">[tokens, weights.Rows]; overlaps neither the input nor another output.</param>
public readonly ref struct Product(WeightMatrix weights, ReadOnlySpan<float> bias, Span<float> output)
{
    public WeightMatrix Weights { get; } = weights;

    public ReadOnlySpan<float> Bias { get; } = bias;

    public Span<float> Output { get; } = output;
}
