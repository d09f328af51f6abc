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

    /// <summary>Products of several matrices with rows of their own: output = input · weightsᵀ + bias, group by group. The bits are those of one <see cref="MatMul"/> a group.</summary>
    /// <param name="groups">Matrices of equal shape.</param>
    /// <param name="input">[Σ tokens, inputs].</param>
    /// <param name="output">[Σ tokens, outputs]; must not overlap the input.</param>
    public virtual void MatMulGroups(ReadOnlySpan<GroupedProduct> groups, ReadOnlySpan<float> input, Span<float> output)
    {
        Shapes.Groups(groups, gated: false, input.Length, output.Length);
        foreach (GroupedProduct group in groups)
        {
            int read = group.Tokens * group.Weights.Columns, written = group.Tokens * group.Weights.Rows;
            MatMul(group.Weights, input[..read], group.Tokens, group.Bias, output[..written]);
            input = input[read..];
            output = output[written..];
        }
    }

    /// <summary>Gated products of several pairs of matrices with rows of their own. The bits are those of two <see cref="MatMul"/> and the gate, group by group.</summary>
    /// <param name="groups">Gates and what they multiply, of equal shape.</param>
    /// <param name="form">How they meet.</param>
    /// <param name="input">[Σ tokens, inputs].</param>
    /// <param name="output">[Σ tokens, outputs]; must not overlap the input.</param>
    public virtual void MatMulGatedGroups(ReadOnlySpan<GroupedProduct> groups, in GateForm form, ReadOnlySpan<float> input, Span<float> output)
    {
        Shapes.Groups(groups, gated: true, input.Length, output.Length);
        foreach (GroupedProduct group in groups)
        {
            int read = group.Tokens * group.Weights.Columns, written = group.Tokens * group.Weights.Rows;
            Span<float> product = Spare(written);
            MatMul(group.Weights, input[..read], group.Tokens, group.Bias, output[..written]);
            MatMul(group.Up!, input[..read], group.Tokens, group.UpBias, product);
            if (form.Limit > 0)
                ClampedSwiGlu(output[..written], product, form.Alpha, form.Limit);
            else
                Gate(form.Activation, output[..written], product);
            input = input[read..];
            output = output[written..];
        }
    }

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
