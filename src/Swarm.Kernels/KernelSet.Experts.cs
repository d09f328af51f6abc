namespace Swarm.Kernels;

public abstract partial class KernelSet
{
    /// <summary>Chooses the experts of each token by its logits and weighs them. Of equal scores the lower index is better; NaN is worse than all, and makes the token's weights NaN.</summary>
    /// <param name="shape">How.</param>
    /// <param name="logits">[tokens, Experts].</param>
    /// <param name="tokens">Rows.</param>
    /// <param name="correction">[Experts], added to the scores for the choice alone; or empty.</param>
    /// <param name="experts">[tokens, Chosen], written: a token's experts by ascending index.</param>
    /// <param name="weights">[tokens, Chosen], written.</param>
    public abstract void Route(in RouterShape shape, ReadOnlySpan<float> logits, int tokens, ReadOnlySpan<float> correction, Span<int> experts, Span<float> weights);

    /// <summary>target[rows[i]] += source[i] · factors[i], row by row of equal width.</summary>
    /// <param name="target">[any, width].</param>
    /// <param name="rows">Which rows of the target, none twice.</param>
    /// <param name="source">[rows, width]; must not overlap the target.</param>
    /// <param name="factors">[rows].</param>
    public abstract void AddScaledRows(Span<float> target, ReadOnlySpan<int> rows, ReadOnlySpan<float> source, ReadOnlySpan<float> factors);

    /// <summary>
    /// gate = (up' + 1) · (gate' · sigmoid(alpha · gate')) in place in gate, with gate' at most limit and up' from −limit to limit: the clamped gate of gpt-oss. Equal lengths.
    /// </summary>
    public abstract void ClampedSwiGlu(Span<float> gate, ReadOnlySpan<float> up, float alpha, float limit);
}
