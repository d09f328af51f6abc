using Swarm.Kernels;

namespace Swarm.Models.Blocks;

/// <summary>Grouped-query attention with rotary positions, or none that turn (arXiv 2305.13245, 2104.09864).</summary>
internal sealed class GroupedQueryAttention(
    AttentionShape shape, RotaryTable? rotary, Projection query, Projection key, Projection value, Projection output) : AttentionPart
{
    /// <summary>Norm of queries, of each head by itself or of all together as its width says; null for none.</summary>
    public NormPart? QueryNorm { get; init; }

    /// <summary>The same of keys.</summary>
    public NormPart? KeyNorm { get; init; }

    /// <summary>Whether the two norms are of each head by itself.</summary>
    public bool NormsHeads { get; init; }

    public override long ResidentBytes =>
        query.ResidentBytes + key.ResidentBytes + value.ResidentBytes + output.ResidentBytes + (QueryNorm?.ResidentBytes ?? 0) + (KeyNorm?.ResidentBytes ?? 0);

    public override void Forward(
        KernelSet kernels, StackScratch scratch, ReadOnlySpan<float> input, ReadOnlySpan<AttentionStep> steps, int tokens, long pageOffset, Span<float> target)
    {
        int queryWidth = shape.Heads * shape.HeadDimension;
        int keyWidth = shape.KeyValueHeads * shape.HeadDimension;
        kernels.MatMulThree(
            input[..(tokens * query.Inputs)], tokens,
            query.Into(scratch.Queries, tokens), key.Into(scratch.Keys, tokens), value.Into(scratch.Values, tokens));
        QueryNorm?.Apply(kernels, scratch.Queries, NormsHeads ? tokens * shape.Heads : tokens, scratch.Queries);
        KeyNorm?.Apply(kernels, scratch.Keys, NormsHeads ? tokens * shape.KeyValueHeads : tokens, scratch.Keys);
        RingAttention.Attend(
            kernels, scratch, shape, steps, pageOffset, rotary, scratch.Queries.AsSpan(0, tokens * queryWidth), scratch.Keys.AsSpan(0, tokens * keyWidth),
            scratch.Values.AsSpan(0, tokens * keyWidth), scratch.Attended.AsSpan(0, tokens * queryWidth));
        output.AddTo(kernels, scratch.Attended, tokens, target);
    }

    public override void Dispose()
    {
        query.Dispose();
        key.Dispose();
        value.Dispose();
        output.Dispose();
    }
}
