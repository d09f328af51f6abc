namespace Swarm.Models;

/// <summary>What the norms of a model compute.</summary>
public enum NormKind : byte
{
    /// <summary>Values over their root mean square, times weights (arXiv 1910.07467).</summary>
    Rms,

    /// <summary>Values less their mean, over their standard deviation, times weights, plus biases (arXiv 1607.06450).</summary>
    Layer,
}
