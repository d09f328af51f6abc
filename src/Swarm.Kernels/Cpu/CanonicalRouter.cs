using System.Runtime.CompilerServices;

namespace Swarm.Kernels.Cpu;

/// <summary>Routers under canonical-1 (docs/canonical-1.md, Experts). One value at a time at every width: a token has some hundred logits and some million products.</summary>
internal static unsafe class CanonicalRouter
{
    private const float SmallestSum = 1e-20f;

    /// <summary>Chooses and weighs the experts of one token.</summary>
    /// <param name="shape">How.</param>
    /// <param name="logits">[Experts].</param>
    /// <param name="correction">[Experts], added to the scores for the choice alone; or empty.</param>
    /// <param name="scratch">[Experts].</param>
    /// <param name="experts">[Chosen], written by ascending index.</param>
    /// <param name="weights">[Chosen], written.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Route(
        in RouterShape shape, ReadOnlySpan<float> logits, ReadOnlySpan<float> correction, Span<float> scratch, Span<int> experts, Span<float> weights)
    {
        bool broken = false;
        foreach (float logit in logits)
            broken |= float.IsNaN(logit);
        for (int i = 0; i < scratch.Length; i++)
        {
            float score = shape.Scores == RouterScores.Sigmoid ? KernelMath.Sigmoid(logits[i]) : logits[i];
            scratch[i] = correction.IsEmpty ? score : score + correction[i];
        }

        ExpertChoice.Choose(shape, scratch, experts);
        for (int i = 0; i < experts.Length; i++)
            weights[i] = shape.Scores == RouterScores.Sigmoid ? KernelMath.Sigmoid(logits[experts[i]]) : logits[experts[i]];
        if (shape.Scores == RouterScores.SoftmaxOfChosen)
            Normalize(weights, Exponentials(weights, Largest(weights), weights));
        else if (shape.Scores == RouterScores.Softmax)
            Normalize(weights, SoftmaxOfAll(logits, scratch, weights));
        else if (shape.Renormalized)
            Normalize(weights, Sum(weights) + SmallestSum);
        for (int i = 0; i < weights.Length; i++)
            weights[i] = broken ? float.NaN : weights[i] * shape.Scale;
    }

    // The chosen logits become exponentials; the sum is of all.
    private static float SoftmaxOfAll(ReadOnlySpan<float> logits, Span<float> scratch, Span<float> chosen)
    {
        float largest = Largest(logits);
        float sum = Exponentials(logits, largest, scratch);
        for (int i = 0; i < chosen.Length; i++)
            chosen[i] = KernelMath.Exp(chosen[i] - largest);
        return sum;
    }

    private static float Exponentials(ReadOnlySpan<float> logits, float largest, Span<float> exponentials)
    {
        for (int i = 0; i < logits.Length; i++)
            exponentials[i] = KernelMath.Exp(logits[i] - largest);
        return Sum(exponentials);
    }

    private static float Largest(ReadOnlySpan<float> values)
    {
        float largest = float.NegativeInfinity;
        foreach (float value in values)
            largest = value > largest ? value : largest;
        return largest;
    }

    private static float Sum(ReadOnlySpan<float> values)
    {
        float* lanes = stackalloc float[8];
        new Span<float>(lanes, 8).Clear();
        for (int i = 0; i < values.Length; i++)
            lanes[i & 7] += values[i];
        return ScalarOps.Meet(lanes);
    }

    private static void Normalize(Span<float> values, float sum)
    {
        float factor = KernelMath.Reciprocal(sum);
        foreach (ref float value in values)
            value *= factor;
    }
}
