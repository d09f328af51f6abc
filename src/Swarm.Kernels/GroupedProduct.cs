namespace Swarm.Kernels;

/// <summary>A matrix, or a gate with its other matrix, and how many rows of a call's input are its own: an expert and its tokens, a head and its tokens.</summary>
/// <param name="Weights">[outputs, inputs].</param>
/// <param name="Bias">[outputs], or empty for none.</param>
/// <param name="Tokens">Rows of input and output, behind those of the groups before it; at least 1.</param>
public readonly record struct GroupedProduct(WeightMatrix Weights, float[] Bias, int Tokens)
{
    /// <summary>The matrix whose product the gate in <see cref="Weights"/> multiplies, of equal shape; null outside of gated calls.</summary>
    public WeightMatrix? Up { get; init; }

    /// <summary>[outputs], or empty for none.</summary>
    public float[] UpBias { get; init; } = [];
}
