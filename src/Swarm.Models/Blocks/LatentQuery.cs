using Swarm.Kernels;

namespace Swarm.Models.Blocks;

/// <summary>Queries of latent attention: of the hidden state, or of a latent of their own with a norm.</summary>
/// <param name="Down">To the latent; null for none.</param>
/// <param name="Norm">Of the latent; null for none.</param>
/// <param name="Up">To all heads, each with the values that do not turn first.</param>
internal sealed record LatentQuery(Projection? Down, NormPart? Norm, Projection Up) : IDisposable
{
    public long ResidentBytes => (Down?.ResidentBytes ?? 0) + (Norm?.ResidentBytes ?? 0) + Up.ResidentBytes;

    /// <summary>heads [tokens, all heads] of input [tokens, hidden].</summary>
    public void Apply(KernelSet kernels, LatentScratch scratch, ReadOnlySpan<float> input, int tokens)
    {
        if (Down is null)
        {
            Up.Apply(kernels, input, tokens, scratch.Heads);
            return;
        }

        Down.Apply(kernels, input, tokens, scratch.QueryLatent);
        Norm!.Apply(kernels, scratch.QueryLatent, tokens, scratch.QueryLatent);
        Up.Apply(kernels, scratch.QueryLatent, tokens, scratch.Heads);
    }

    public void Dispose()
    {
        Down?.Dispose();
        Up.Dispose();
    }
}
