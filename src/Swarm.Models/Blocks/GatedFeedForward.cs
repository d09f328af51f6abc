using Swarm.Kernels;

namespace Swarm.Models.Blocks;

/// <summary>SwiGLU (arXiv 2002.05202, equation 6): down(silu(gate(x)) · up(x)).</summary>
internal sealed class GatedFeedForward(Projection gate, Projection up, Projection down) : IDisposable
{
    public long ResidentBytes => gate.ResidentBytes + up.ResidentBytes + down.ResidentBytes;

    /// <summary>scratch.Delta [tokens, hidden] = the part's output for scratch.Normed [tokens, hidden].</summary>
    public void Forward(KernelSet kernels, StackScratch scratch, int tokens)
    {
        gate.Apply(kernels, scratch.Normed, tokens, scratch.Gate);
        up.Apply(kernels, scratch.Normed, tokens, scratch.Up);
        int values = tokens * gate.Outputs;
        kernels.SwiGlu(scratch.Gate.AsSpan(0, values), scratch.Up.AsSpan(0, values));
        down.Apply(kernels, scratch.Gate, tokens, scratch.Delta);
    }

    public void Dispose()
    {
        gate.Dispose();
        up.Dispose();
        down.Dispose();
    }
}
