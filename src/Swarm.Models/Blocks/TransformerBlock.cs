using Swarm.Kernels;

namespace Swarm.Models.Blocks;

/// <summary>
/// One block: attention and feed-forward, each added to the hidden states, one after the other or beside each other. Several stacks may hold it; it is freed when the last lets
/// go.
/// </summary>
internal sealed class TransformerBlock(BlockWiring wiring, BlockNorms norms, AttentionPart attention, FeedForwardPart feedForward) : IDisposable
{
    private int _holders = 1;

    public long ResidentBytes => norms.ResidentBytes + attention.ResidentBytes + feedForward.ResidentBytes;

    /// <summary>Brings hidden [tokens, hidden] through the block, in place.</summary>
    public void Forward(KernelSet kernels, StackScratch scratch, Span<float> hidden, ReadOnlySpan<AttentionStep> steps, int tokens, long pageOffset)
    {
        ReadOnlySpan<float> attentionInput = Normed(kernels, norms.BeforeAttention, hidden, tokens, scratch.Normed);
        ReadOnlySpan<float> feedForwardInput = wiring switch
        {
            BlockWiring.Parallel => Normed(kernels, norms.BeforeFeedForward, hidden, tokens, scratch.NormedBeside),
            BlockWiring.ParallelSharedNorm => attentionInput,
            _ => default,
        };

        Span<float> target = Target(norms.AfterAttention, scratch, hidden);
        attention.Forward(kernels, scratch, attentionInput, steps, tokens, pageOffset, target);
        AddNormed(kernels, norms.AfterAttention, target, tokens, hidden);

        if (wiring == BlockWiring.Sequential)
            feedForwardInput = Normed(kernels, norms.BeforeFeedForward, hidden, tokens, scratch.Normed);
        target = Target(norms.AfterFeedForward, scratch, hidden);
        feedForward.Forward(kernels, scratch, feedForwardInput, tokens, target);
        AddNormed(kernels, norms.AfterFeedForward, target, tokens, hidden);
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

    private static ReadOnlySpan<float> Normed(KernelSet kernels, NormPart? norm, ReadOnlySpan<float> hidden, int tokens, Span<float> normed)
    {
        if (norm is null)
            return hidden;
        norm.Apply(kernels, hidden, tokens, normed);
        return normed[..hidden.Length];
    }

    // A part that a norm follows adds to zeros.
    private static Span<float> Target(NormPart? norm, StackScratch scratch, Span<float> hidden)
    {
        if (norm is null)
            return hidden;
        Span<float> given = scratch.Given.AsSpan(0, hidden.Length);
        given.Clear();
        return given;
    }

    private static void AddNormed(KernelSet kernels, NormPart? norm, Span<float> given, int tokens, Span<float> hidden)
    {
        if (norm is null)
            return;
        norm.Apply(kernels, given, tokens, given);
        kernels.Add(hidden, given);
    }
}
