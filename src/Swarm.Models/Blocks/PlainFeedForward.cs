using Swarm.Kernels;

namespace Swarm.Models.Blocks;

/// <summary>Two linear maps with an activation between them (arXiv 1706.03762, equation 2): down(activation(up(x))).</summary>
internal sealed class PlainFeedForward(Activation activation, Projection up, Projection down) : FeedForwardPart
{
    public override long ResidentBytes => up.ResidentBytes + down.ResidentBytes;

    public override void Forward(KernelSet kernels, StackScratch scratch, ReadOnlySpan<float> input, int tokens, Span<float> target)
    {
        Span<float> inner = scratch.Gate.AsSpan(0, tokens * up.Outputs);
        up.Apply(kernels, input, tokens, inner);
        kernels.Activate(activation, inner);
        down.AddTo(kernels, inner, tokens, target);
    }

    public override void Dispose()
    {
        up.Dispose();
        down.Dispose();
    }
}
