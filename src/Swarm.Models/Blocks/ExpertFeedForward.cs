using Swarm.Kernels;

namespace Swarm.Models.Blocks;

/// <summary>
/// A mixture of experts (arXiv 2401.04088, section 2): each token goes through the experts that the router chose for it, and through the shared one where there is one. Tokens are
/// brought together by expert, so that a pass reads each chosen expert once and no other; a token's sum is in the order of its experts (docs/canonical-1.md, Experts).
/// </summary>
internal sealed class ExpertFeedForward(ExpertConfig config, Projection router, float[] correction, Expert[] experts, FeedForwardPart? shared) : FeedForwardPart
{
    private readonly long[] _bytes = [.. experts.Select(expert => expert.ResidentBytes)];

    public override long ResidentBytes => router.ResidentBytes + 4L * correction.Length + _bytes.Sum() + (shared?.ResidentBytes ?? 0);

    public override void Forward(KernelSet kernels, StackScratch scratch, ReadOnlySpan<float> input, int tokens, Span<float> target)
    {
        shared?.Forward(kernels, scratch, input, tokens, target);
        ExpertScratch own = scratch.Experts!;
        RouterShape shape = config.Router;
        router.Apply(kernels, input, tokens, own.Logits);
        kernels.Route(
            shape, own.Logits.AsSpan(0, tokens * shape.Experts), tokens, correction,
            own.Chosen.AsSpan(0, tokens * shape.Chosen), own.Weights.AsSpan(0, tokens * shape.Chosen));
        own.Order(tokens);
        int rows = tokens * shape.Chosen;
        Gather(own, input, rows);
        Span<float> gathered = own.Rows.AsSpan(0, rows * router.Inputs), inner = own.Inner.AsSpan(0, rows * config.FeedForward);
        int computed = Gated(own);
        kernels.MatMulGatedGroups(own.Groups.AsSpan(0, computed), config.Gate, gathered, inner);
        Downs(own);
        kernels.MatMulGroups(own.Groups.AsSpan(0, computed), inner, gathered);
        Sum(kernels, own, gathered, tokens, target);
        Count(scratch.ExpertCounters, own, computed, rows);
    }

    public override void Dispose()
    {
        router.Dispose();
        foreach (Expert expert in experts)
            expert.Dispose();
        shared?.Dispose();
    }

    private void Gather(ExpertScratch own, ReadOnlySpan<float> input, int rows)
    {
        int width = router.Inputs;
        for (int row = 0; row < rows; row++)
            input.Slice(own.Tokens[row] * width, width).CopyTo(own.Rows.AsSpan(row * width, width));
    }

    private int Gated(ExpertScratch own)
    {
        int count = 0;
        for (int expert = 0; expert < experts.Length; expert++)
        {
            if (own.First[expert + 1] > own.First[expert])
                own.Groups[count++] = experts[expert].Gate.Grouped(own.First[expert + 1] - own.First[expert], experts[expert].Up);
        }

        return count;
    }

    private void Downs(ExpertScratch own)
    {
        int count = 0;
        for (int expert = 0; expert < experts.Length; expert++)
        {
            if (own.First[expert + 1] > own.First[expert])
                own.Groups[count++] = experts[expert].Down.Grouped(own.First[expert + 1] - own.First[expert]);
        }
    }

    private void Sum(KernelSet kernels, ExpertScratch own, ReadOnlySpan<float> outputs, int tokens, Span<float> target)
    {
        int width = router.Inputs;
        Span<float> sum = own.Sum.AsSpan(0, tokens * width);
        sum.Clear();
        for (int expert = 0; expert < experts.Length; expert++)
        {
            int first = own.First[expert], count = own.First[expert + 1] - first;
            if (count > 0)
                kernels.AddScaledRows(sum, own.Tokens.AsSpan(first, count), outputs.Slice(first * width, count * width), own.Factors.AsSpan(first, count));
        }

        kernels.Add(target[..sum.Length], sum);
    }

    private void Count(ExpertCounters counters, ExpertScratch own, int computed, int rows)
    {
        counters.ExpertsComputed += computed;
        counters.ExpertRowsGathered += rows;
        for (int expert = 0; expert < experts.Length; expert++)
            counters.ExpertBytesRead += own.First[expert + 1] > own.First[expert] ? _bytes[expert] : 0;
    }
}
