using System.Collections.Immutable;
using Swarm.Models;

namespace Swarm.Node.Placement;

/// <summary>
/// What a replica by each node counts: its tokens a second over its span, with the swarm's median as 1. Speeds are measured beside other work and between equal machines differ by ±40 %,
/// so a speed within <see cref="Band"/> of the median counts as the median, and beyond that only what exceeds the band; the more replicas a block has on average, the more the noise of their
/// sum averages out and the narrower the band. No replica counts over 8, or over a quarter of the mean level where that is more: claims are not proofs.
/// </summary>
internal sealed class PlacementWeights
{
    // 1.4 / 0.6 = 2.34: two equal machines at the ends of the noise are still equal.
    private const double WidestBand = 2.5;
    private const double WideUntilReplicas = 4;
    private const double Least = 0.01;
    private const double LeastCap = 8;
    private const double CapOfReplicas = 0.25;

    private readonly double _median;

    private readonly double _cap;

    private PlacementWeights(double median, double band, double cap)
    {
        _median = median;
        Band = band;
        _cap = cap;
    }

    /// <summary>The factor around the median within which speeds count as equal.</summary>
    public double Band { get; }

    public static PlacementWeights Of(ImmutableArray<PlacementNode> nodes, int blocks)
    {
        long held = 0;
        var speeds = new List<double>(nodes.Length);
        foreach (PlacementNode node in nodes)
        {
            int length = Length(node, blocks);
            if (node.State == PlacementState.Leaving || length == 0)
                continue;
            held += length;
            if (IsKnown(node.BlockTokensPerSecond))
                speeds.Add(node.BlockTokensPerSecond / length);
        }

        speeds.Sort();
        double replicas = Math.Max(WideUntilReplicas, (double)held / blocks);
        double band = Math.Pow(WidestBand, Math.Sqrt(WideUntilReplicas / replicas));
        return new PlacementWeights(speeds.Count == 0 ? 0 : speeds[(speeds.Count - 1) / 2], band, Math.Max(LeastCap, CapOfReplicas * replicas));
    }

    /// <summary>Blocks that a node serves where it goes next.</summary>
    public static int Length(PlacementNode node, int blocks) => node.Capacity > 0 ? Math.Min(node.Capacity, blocks) : node.Intent?.Count ?? node.Blocks.Count;

    /// <summary>The weight of a node over a span of this many blocks.</summary>
    public double Of(PlacementNode node, int length)
    {
        if (!IsKnown(node.BlockTokensPerSecond) || _median <= 0 || length <= 0)
            return 1;
        double ratio = node.BlockTokensPerSecond / length / _median;
        double weight = ratio > Band ? ratio / Band : ratio < 1 / Band ? ratio * Band : 1;
        return Math.Clamp(weight, Least, _cap);
    }

    /// <summary>The weight of a node over a span.</summary>
    public double Of(PlacementNode node, BlockSpan span) => Of(node, span.Count);

    private static bool IsKnown(double speed) => double.IsFinite(speed) && speed > 0;
}
