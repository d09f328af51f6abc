using Swarm.Kernels;

namespace Swarm.Models.Blocks;

/// <summary>Where the keys and values of a span's blocks lie in a page of <see cref="KernelSet.PagePositions"/> positions.</summary>
/// <param name="Span">The blocks; block b's part starts at (b − Span.Start) · BlockBytes.</param>
/// <param name="BlockBytes">Bytes of one block in a page.</param>
public sealed record KvLayout(BlockSpan Span, long BlockBytes)
{
    /// <summary>Bytes of a page.</summary>
    public long PageBytes => BlockBytes * Span.Count;

    /// <summary>Bytes that a position takes, on average over a full page.</summary>
    public long PositionBytes => PageBytes / KernelSet.PagePositions;

    /// <summary>Layout of a span under a kernel set.</summary>
    public static KvLayout For(ModelConfig config, BlockSpan span, KernelSet kernels) =>
        new(span, kernels.KvPageBytes(AttentionPart.ShapeOf(config, span.Start)));

    /// <summary>Pages that hold so many positions.</summary>
    public static int PagesFor(int positions) => (int)(((long)positions + KernelSet.PagePositions - 1) / KernelSet.PagePositions);

    /// <summary>Bytes of the pages that hold so many positions.</summary>
    public long BytesFor(int positions) => PagesFor(positions) * PageBytes;
}
