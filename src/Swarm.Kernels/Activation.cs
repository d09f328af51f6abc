namespace Swarm.Kernels;

/// <summary>Functions between the maps of a feed-forward part (docs/canonical-1.md, section 5).</summary>
public enum Activation : byte
{
    /// <summary>x · sigmoid(x) (arXiv 1702.03118).</summary>
    Silu,

    /// <summary>x · Φ(x) with the normal distribution's Φ (arXiv 1606.08415).</summary>
    Gelu,

    /// <summary>The same with Φ(x) ≈ (1 + tanh(√(2/π)(x + 0.044715 x³))) ÷ 2.</summary>
    GeluTanh,

    /// <summary>The same with Φ(x) ≈ sigmoid(1.702 x).</summary>
    GeluSigmoid,

    /// <summary>max(x, 0).</summary>
    Relu,
}
