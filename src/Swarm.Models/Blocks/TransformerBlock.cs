using Swarm.Kernels;

namespace Swarm.Models.Blocks;

/// <summary>
/// One block: attention, then feed-forward, each over normed hidden states and added to them. Several stacks may hold it; it is freed when the last lets go.
/// </summary>
internal sealed class TransformerBlock(RmsNormPart attentionNorm, AttentionPart attention, RmsNormPart feedForwardNorm, GatedFeedForward feedForward)
    : IDisposable
{
    private int _holders = 1;

    public long ResidentBytes =>
        attentionNorm.ResidentBytes + attention.ResidentBytes + feedForwardNorm.ResidentBytes + feedForward.ResidentBytes;

    /// <summary>Brings hidden [tokens, hidden] through the block, in place.</summary>
    public void Forward(KernelSet kernels, StackScratch scratch, Span<float> hidden, ReadOnlySpan<AttentionStep> steps, int tokens, long pageOffset)
    {
        attentionNorm.Apply(kernels, hidden, tokens, scratch.Normed);
        attention.Forward(kernels, scratch, steps, tokens, pageOffset, hidden);
        feedForwardNorm.Apply(kernels, hidden, tokens, scratch.Normed);
        feedForward.Forward(kernels, scratch, tokens, hidden);
    }

    /// <summary>One more holder; for one who holds it already.</summary>
    public void Retain() => Interlocked.Increment(ref _holders);

    /// <summary>Lets go.</summary>
    public void Dispose()
    {
        if (Interlocked.Decrement(ref _holders) > 0)
            return;
        attention.Dispose();
        feedForward.Dispose();
    }
}
