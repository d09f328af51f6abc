using Swarm.Kernels.Codecs;
using Swarm.Models;
using Swarm.Protocol;

namespace Swarm.Client;

/// <summary>A session's options, checked and with their defaults filled in.</summary>
/// <param name="Blocks">Where it goes through.</param>
/// <param name="Codec">Applied at the rounding points.</param>
/// <param name="RoundingPoints">Ascending, within the blocks' boundaries.</param>
/// <param name="MaxPositions">The most it may hold.</param>
/// <param name="ExpectedPositions">What it will likely need.</param>
internal sealed record SessionShape(
    BlockSpan Blocks, ActivationCodec Codec, IReadOnlyList<int> RoundingPoints, int MaxPositions, int ExpectedPositions)
{
    private const int UsualPositions = 256;

    /// <summary>Checks the options against the model.</summary>
    /// <param name="options">As the caller gave them.</param>
    /// <param name="all">The model's blocks.</param>
    /// <param name="context">The model's context.</param>
    /// <param name="hopBoundaries">Where the route passes between nodes: the default rounding points.</param>
    /// <exception cref="SwarmException">InvalidArgument, ContextExceeded.</exception>
    public static SessionShape Resolve(ChainSessionOptions options, BlockSpan all, int context, IEnumerable<int> hopBoundaries)
    {
        BlockSpan blocks = ResolveBlocks(options, all);
        // Who knows of links has put another in its place.
        ActivationCodec codec = options.Codec == AutoCodec.Name ? ActivationCodec.F32 : ActivationCodec.ByName(options.Codec)
            ?? throw Invalid($"codec: '{options.Codec}', expected {AutoCodec.Name} or one of {string.Join(", ", ActivationCodec.All.Select(known => known.Name))}");
        int[] points = [.. options.RoundAt ?? [.. hopBoundaries]];
        for (int index = 0; index < points.Length; index++)
        {
            // A session over some blocks skips the points outside them.
            if (points[index] < all.Start || points[index] > all.End)
                throw Invalid($"rounding point: {points[index]}, expected {all.Start} to {all.End}");
            if (index > 0 && points[index] <= points[index - 1])
                throw Invalid($"rounding points: {points[index]} after {points[index - 1]}, expected ascending order");
        }

        points = codec == ActivationCodec.F32 ? [] : [.. points.Where(point => point >= blocks.Start && point <= blocks.End)];
        int most = options.MaxPositions ?? context;
        if (most < 1 || most > context)
            throw new SwarmException(FaultKind.ContextExceeded, $"positions: {most}, expected 1 to {context} (the context)");
        int expected = options.ExpectedPositions ?? Math.Min(UsualPositions, most);
        if (expected < 0 || expected > most)
            throw new SwarmException(FaultKind.ContextExceeded, $"expected positions: {expected}, expected 0 to {most}");
        return new SessionShape(blocks, codec, points, most, expected);
    }

    /// <summary>The blocks that the options name, or all.</summary>
    public static BlockSpan ResolveBlocks(ChainSessionOptions options, BlockSpan all)
    {
        BlockSpan blocks = options.Blocks ?? all;
        if (blocks.Count < 1 || blocks.Start < all.Start || blocks.End > all.End)
            throw Invalid($"blocks: {blocks}, expected a span within {all}");
        return blocks;
    }

    /// <summary>Whether steps of both can share a pass.</summary>
    public bool ComputesLike(SessionShape other) =>
        Blocks == other.Blocks && Codec == other.Codec && RoundingPoints.SequenceEqual(other.RoundingPoints);

    private static SwarmException Invalid(string message) => new(FaultKind.InvalidArgument, message);
}
