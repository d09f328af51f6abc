using Swarm.Kernels;

namespace Swarm.Models.Blocks;

/// <summary>Grouped-query attention with rotary positions (arXiv 2305.13245, 2104.09864).</summary>
internal sealed class AttentionPart(
    AttentionShape shape, RotaryTable rotary, Projection query, Projection key, Projection value, Projection output) : IDisposable
{
    public long ResidentBytes => query.ResidentBytes + key.ResidentBytes + value.ResidentBytes + output.ResidentBytes;

    /// <summary>1/√headDimension: double division and square root are correctly rounded everywhere, so that the factor is the same everywhere.</summary>
    public static float ScaleOf(int headDimension) => (float)(1.0 / Math.Sqrt(headDimension));

    public static AttentionShape ShapeOf(ModelConfig config) =>
        new(config.Heads, config.KeyValueHeads, config.HeadDimension, ScaleOf(config.HeadDimension));

    /// <summary>hidden [tokens, hidden] += attention over scratch.Normed [tokens, hidden], whose tokens belong to the steps in turn.</summary>
    public void Forward(KernelSet kernels, StackScratch scratch, ReadOnlySpan<AttentionStep> steps, int tokens, long pageOffset, Span<float> hidden)
    {
        int queryWidth = shape.Heads * shape.HeadDimension;
        int keyWidth = shape.KeyValueHeads * shape.HeadDimension;
        kernels.MatMulThree(
            scratch.Normed.AsSpan(0, tokens * query.Inputs), tokens,
            query.Into(scratch.Queries, tokens), key.Into(scratch.Keys, tokens), value.Into(scratch.Values, tokens));
        kernels.AttendSteps(
            shape, steps, pageOffset, rotary, scratch.Queries.AsSpan(0, tokens * queryWidth), scratch.Keys.AsSpan(0, tokens * keyWidth),
            scratch.Values.AsSpan(0, tokens * keyWidth), scratch.Attended.AsSpan(0, tokens * queryWidth));
        output.AddTo(kernels, scratch.Attended, tokens, hidden);
    }

    public void Dispose()
    {
        query.Dispose();
        key.Dispose();
        value.Dispose();
        output.Dispose();
    }
}
