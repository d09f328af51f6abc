namespace Swarm.Kernels.Reference;

public sealed unsafe partial class ReferenceKernels
{
    public override void Route(in RouterShape shape, ReadOnlySpan<float> logits, int tokens, ReadOnlySpan<float> correction, Span<int> experts, Span<float> weights)
    {
        Shapes.Route(shape, logits.Length, tokens, correction.Length, experts.Length, weights.Length);
        Span<float> scores = stackalloc float[shape.Experts];
        for (int token = 0; token < tokens; token++)
        {
            ReadOnlySpan<float> row = logits.Slice(token * shape.Experts, shape.Experts);
            Span<int> chosen = experts.Slice(token * shape.Chosen, shape.Chosen);
            for (int i = 0; i < row.Length; i++)
            {
                scores[i] = shape.Scores == RouterScores.Sigmoid ? (float)Sigmoid(row[i]) : row[i];
                scores[i] += correction.IsEmpty ? 0 : correction[i];
            }

            ExpertChoice.Choose(shape, scores, chosen);
            Weigh(shape, row, chosen, weights.Slice(token * shape.Chosen, shape.Chosen));
        }
    }

    public override void AddScaledRows(Span<float> target, ReadOnlySpan<int> rows, ReadOnlySpan<float> source, ReadOnlySpan<float> factors)
    {
        int width = Shapes.ScaledRows(target.Length, rows, source.Length, factors.Length);
        for (int i = 0; i < rows.Length; i++)
        {
            for (int c = 0; c < width; c++)
                target[rows[i] * width + c] += source[i * width + c] * factors[i];
        }
    }

    public override void ClampedSwiGlu(Span<float> gate, ReadOnlySpan<float> up, float alpha, float limit)
    {
        Shapes.Length(up.Length, gate.Length, nameof(up));
        for (int i = 0; i < gate.Length; i++)
        {
            double x = Math.Min(gate[i], limit);
            gate[i] = (float)((Math.Clamp(up[i], -limit, limit) + 1.0) * x * Sigmoid(alpha * x));
        }
    }

    private static void Weigh(in RouterShape shape, ReadOnlySpan<float> logits, ReadOnlySpan<int> chosen, Span<float> weights)
    {
        double largest = double.NegativeInfinity, all = 0, some = 0;
        bool broken = false;
        foreach (float logit in logits)
        {
            largest = logit > largest ? logit : largest;
            broken |= float.IsNaN(logit);
        }

        foreach (float logit in logits)
            all += HostMath.Exp(logit - largest);
        foreach (int expert in chosen)
            some += Score(shape, logits[expert], largest);
        double sum = shape.Scores switch
        {
            RouterScores.SoftmaxOfChosen => some,
            RouterScores.Softmax => all,
            _ => shape.Renormalized ? some + 1e-20 : 1,
        };
        for (int i = 0; i < chosen.Length; i++)
            weights[i] = broken ? float.NaN : (float)(Score(shape, logits[chosen[i]], largest) / sum * shape.Scale);
    }

    private static double Score(in RouterShape shape, double logit, double largest) =>
        shape.Scores == RouterScores.Sigmoid ? Sigmoid(logit) : HostMath.Exp(logit - largest);

    private static double Sigmoid(double x) => 1 / (1 + HostMath.Exp(-x));
}
