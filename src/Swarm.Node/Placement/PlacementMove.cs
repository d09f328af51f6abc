using Swarm.Models;

namespace Swarm.Node.Placement;

/// <summary>A change of what a node serves, done by difference: load, announce, then drop.</summary>
/// <param name="From">What it serves.</param>
/// <param name="To">What it will serve.</param>
public readonly record struct PlacementMove(BlockSpan From, BlockSpan To)
{
    /// <summary>What has to be loaded: none, one or two stretches, in order.</summary>
    public IReadOnlyList<BlockSpan> Loads => Without(To, From);

    /// <summary>What is dropped in the end: none, one or two stretches, in order.</summary>
    public IReadOnlyList<BlockSpan> Drops => Without(From, To);

    /// <summary>How many blocks have to be loaded.</summary>
    public int LoadCount => Loads.Sum(span => span.Count);

    public override string ToString() => $"{From} to {To}";

    // The blocks of one that are not in the other.
    private static BlockSpan[] Without(BlockSpan span, BlockSpan other)
    {
        if (span.Count <= 0)
            return [];
        if (other.Count <= 0 || other.End <= span.Start || other.Start >= span.End)
            return [span];
        var before = new BlockSpan(span.Start, Math.Max(span.Start, other.Start));
        var after = new BlockSpan(Math.Min(span.End, other.End), span.End);
        return [.. new[] { before, after }.Where(part => part.Count > 0)];
    }
}
