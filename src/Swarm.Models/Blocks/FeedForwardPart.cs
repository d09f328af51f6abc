using Swarm.Kernels;

namespace Swarm.Models.Blocks;

/// <summary>The part of a block that brings each token through itself: dense or of experts.</summary>
internal abstract class FeedForwardPart : IDisposable
{
    public abstract long ResidentBytes { get; }

    /// <summary>target [tokens, hidden] += the part's output for input [tokens, hidden]; the two do not overlap.</summary>
    public abstract void Forward(KernelSet kernels, StackScratch scratch, ReadOnlySpan<float> input, int tokens, Span<float> target);

    public abstract void Dispose();
}
