using Swarm.Kernels;

namespace Swarm.Models.Blocks;

/// <summary>The part of a block in which a token reads the ones before it.</summary>
internal abstract class AttentionPart : IDisposable
{
    public abstract long ResidentBytes { get; }

    /// <summary>target [tokens, hidden] += attention over input [tokens, hidden], whose tokens belong to the steps in turn.</summary>
    /// <param name="kernels">Who computes.</param>
    /// <param name="scratch">Memory between the operations.</param>
    /// <param name="input">Does not overlap the target.</param>
    /// <param name="steps">One a session.</param>
    /// <param name="tokens">Of all steps.</param>
    /// <param name="pageOffset">Where the block's part starts in each page.</param>
    /// <param name="target">Added to.</param>
    public abstract void Forward(
        KernelSet kernels, StackScratch scratch, ReadOnlySpan<float> input, ReadOnlySpan<AttentionStep> steps, int tokens, long pageOffset, Span<float> target);

    /// <summary>1/√headDimension: double division and square root are correctly rounded everywhere, so that the factor is the same everywhere.</summary>
    public static float ScaleOf(int headDimension) => (float)(1.0 / Math.Sqrt(headDimension));

    /// <summary>Geometry of a block's attention.</summary>
    public static AttentionShape ShapeOf(ModelConfig config, int block)
    {
        if (config.Latent is { } latent)
            return LatentAttention.ShapeOf(config, latent);
        float scale = config.AttentionScale ?? ScaleOf(config.HeadDimension);
        return new AttentionShape(config.Heads, config.KeyValueHeads, config.HeadDimension, scale)
        {
            Window = config.Block(block).Window,
            SoftCap = config.AttentionSoftCap,
            Slopes = config.Positions switch
            {
                PositionKind.Slopes => AttentionSlopes.Make(config.Heads, 1),
                PositionKind.ScaledSlopes => AttentionSlopes.Make(config.Heads, scale),
                _ => null,
            },
        };
    }

    public abstract void Dispose();
}
