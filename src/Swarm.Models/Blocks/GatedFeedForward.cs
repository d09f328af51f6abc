using Swarm.Kernels;

namespace Swarm.Models.Blocks;

/// <summary>SwiGLU (arXiv 2002.05202, equation 6): down(silu(gate(x)) · up(x)).</summary>
internal sealed class GatedFeedForward(Projection gate, Projection up, Projection down) : IDisposable
{
    public long ResidentBytes => gate.ResidentBytes + up.ResidentBytes + down.ResidentBytes;

    /// <summary>hidden [tokens, hidden] += the part's output for scratch.Normed [tokens, hidden].</summary>
    public void Forward(KernelSet kernels, StackScratch scratch, int tokens, Span<float> hidden)
    {
        gate.ApplyGated(kernels, up, scratch.Normed, tokens, scratch.Gate);
        down.AddTo(kernels, scratch.Gate, tokens, hidden);
    }

    public void Dispose()
    {
        gate.Dispose();
        up.Dispose();
        down.Dispose();
    }
}
