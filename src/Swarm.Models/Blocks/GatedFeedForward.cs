using Swarm.Kernels;

namespace Swarm.Models.Blocks;

/// <summary>A gated linear unit (arXiv 2002.05202, equations 5 and 6): down(activation(gate(x)) · up(x)).</summary>
internal sealed class GatedFeedForward(Activation activation, Projection gate, Projection up, Projection down) : FeedForwardPart
{
    public override long ResidentBytes => gate.ResidentBytes + up.ResidentBytes + down.ResidentBytes;

    public override void Forward(KernelSet kernels, StackScratch scratch, ReadOnlySpan<float> input, int tokens, Span<float> target)
    {
        gate.ApplyGated(kernels, activation, up, input, tokens, scratch.Gate);
        down.AddTo(kernels, scratch.Gate, tokens, target);
    }

    public override void Dispose()
    {
        gate.Dispose();
        up.Dispose();
        down.Dispose();
    }
}
