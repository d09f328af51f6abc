using Swarm.Models;
using Swarm.Protocol;

namespace Swarm.Client;

/// <summary>
/// Who takes the place of lost hops. Hops that remain keep their blocks, and with them their caches; hops that were lost side by side are planned as one stretch. Only where no
/// plan leaves the others in peace is the whole way planned anew. Plain functions.
/// </summary>
internal static class RecoveryPlan
{
    /// <summary>Plans the chain anew.</summary>
    /// <param name="hops">The chain that broke.</param>
    /// <param name="lost">Who of it cannot go on.</param>
    /// <param name="candidates">Who serves, the chain's own peers among them or not; none of <paramref name="lost"/>.</param>
    /// <param name="positions">Positions that a new hop must have room for.</param>
    /// <param name="mode">What routes are chosen for.</param>
    /// <param name="random">See <see cref="RoutePlanner"/>.</param>
    /// <exception cref="SwarmException">NoRoute, NoCapacity: of the lost blocks, which nobody serves or has room for.</exception>
    public static IReadOnlyList<ChainHop> Make(
        IReadOnlyList<ChainHop> hops, IReadOnlySet<PeerId> lost, IReadOnlyList<RouteCandidate> candidates, int positions, RouteMode mode, IRandomSource random)
    {
        try
        {
            return Patch(hops, lost, candidates, positions, mode, random);
        }
        catch (SwarmException exception) when (exception.Fault is FaultKind.NoRoute or FaultKind.NoCapacity)
        {
            try
            {
                return RoutePlanner.Plan(candidates, new BlockSpan(hops[0].Blocks.Start, hops[^1].Blocks.End), positions, mode, random);
            }
            catch (SwarmException)
            {
                throw exception;
            }
        }
    }

    /// <summary>The stretches of blocks that lost hops leave, each with the index of its first hop and the number of hops.</summary>
    public static IReadOnlyList<(BlockSpan Blocks, int First, int Count)> Gaps(IReadOnlyList<ChainHop> hops, IReadOnlySet<PeerId> lost)
    {
        List<(BlockSpan, int, int)> gaps = [];
        for (int index = 0; index < hops.Count; index++)
        {
            int first = index;
            while (index < hops.Count && lost.Contains(hops[index].Peer!.Value))
                index++;
            if (index > first)
                gaps.Add((new BlockSpan(hops[first].Blocks.Start, hops[index - 1].Blocks.End), first, index - first));
        }

        return gaps;
    }

    private static List<ChainHop> Patch(
        IReadOnlyList<ChainHop> hops, IReadOnlySet<PeerId> lost, IReadOnlyList<RouteCandidate> candidates, int positions, RouteMode mode, IRandomSource random)
    {
        HashSet<PeerId> used = [.. hops.Select(hop => hop.Peer!.Value).Where(peer => !lost.Contains(peer))];
        List<ChainHop> mended = [];
        int at = 0;
        foreach ((BlockSpan blocks, int first, int count) in Gaps(hops, lost))
        {
            mended.AddRange(hops.Skip(at).Take(first - at));
            IReadOnlyList<ChainHop> patch = RoutePlanner.Plan(candidates.Where(candidate => !used.Contains(candidate.Peer)), blocks, positions, mode, random);
            used.UnionWith(patch.Select(hop => hop.Peer!.Value));
            mended.AddRange(patch);
            at = first + count;
        }

        mended.AddRange(hops.Skip(at));
        return mended;
    }
}
