using Swarm.Models;
using Swarm.Protocol;

namespace Swarm.Client;

/// <summary>
/// Step 4: chooses who computes which blocks. Plain functions: the same candidates in any order, and the same random numbers, give the same route. A node's span may be used in part; no node is
/// used twice.
/// </summary>
/// <remarks>
/// Expected time of a token = the way from the client to the first hop, between hops and back (half a round trip each) + per hop its queue, <see cref="HopTime"/> and its block time for each
/// block that it computes. Of routes of equal time the one with fewer hops is taken; then measured links before others, and lower peer ids.
/// </remarks>
public static class RoutePlanner
{
    /// <summary>What a link is taken for that nobody has measured: a round trip between homes of one country.</summary>
    public static readonly TimeSpan UnknownRoundTrip = TimeSpan.FromMilliseconds(50);

    /// <summary>Compute time of a block where it is unknown: slow, so that a known node is preferred unless it is slower than most machines.</summary>
    public static readonly TimeSpan UnknownBlockTime = TimeSpan.FromMilliseconds(20);

    /// <summary>What a hop costs beyond computing and the way: frames, wake-ups.</summary>
    public static readonly TimeSpan HopTime = TimeSpan.FromMilliseconds(1);

    /// <summary>Plans a route by <see cref="RouteMode.Latency"/>.</summary>
    /// <param name="candidates">Nodes that serve now, in any order.</param>
    /// <param name="blocks">Blocks to cover.</param>
    /// <param name="positions">Positions that each hop must have room for.</param>
    /// <exception cref="SwarmException">NoRoute names the blocks that nobody serves; NoCapacity those that nobody has room for.</exception>
    public static IReadOnlyList<ChainHop> Plan(IEnumerable<RouteCandidate> candidates, BlockSpan blocks, int positions) =>
        new LatencySearch(Roomy(candidates, blocks, positions), blocks).Run();

    /// <summary>Plans a route by a mode.</summary>
    /// <param name="mode">What it is chosen for.</param>
    /// <param name="random">Where the choice between good routes comes from; used by <see cref="RouteMode.Throughput"/> only.</param>
    /// <inheritdoc cref="Plan(IEnumerable{RouteCandidate}, BlockSpan, int)"/>
    public static IReadOnlyList<ChainHop> Plan(
        IEnumerable<RouteCandidate> candidates, BlockSpan blocks, int positions, RouteMode mode, IRandomSource random) => mode switch
        {
            RouteMode.Latency => Plan(candidates, blocks, positions),
            RouteMode.Throughput => ThroughputChoice.Draw(Roomy(candidates, blocks, positions), blocks, random),
            _ => throw new ArgumentOutOfRangeException(nameof(mode), mode, "not a route mode"),
        };

    /// <summary>Expected time of one token over a route; hops of peers that are not among the candidates count as unknown.</summary>
    public static TimeSpan ExpectedTime(IEnumerable<RouteCandidate> candidates, IReadOnlyList<ChainHop> hops)
    {
        Dictionary<PeerId, RouteCandidate> known = candidates.DistinctBy(candidate => candidate.Peer).ToDictionary(candidate => candidate.Peer);
        RouteCandidate[] path = [.. hops.Select(hop => known.TryGetValue(hop.Peer ?? default, out RouteCandidate? found) ? found : new RouteCandidate(hop.Peer ?? default, hop.Address, hop.Blocks))];
        long cost = RouteCosts.ClientWay(path[0]) + RouteCosts.ClientWay(path[^1]);
        for (int index = 0; index < path.Length; index++)
        {
            cost += RouteCosts.Entry(path[index]) + hops[index].Blocks.Count * RouteCosts.Block(path[index]);
            if (index > 0)
                cost += RouteCosts.Way(path[index - 1], path[index]) ?? RouteCosts.UnknownWay;
        }

        return RouteCosts.ToTime(cost);
    }

    // Those with room, ordered by id, a peer once; refuses blocks that cannot be covered.
    private static RouteCandidate[] Roomy(IEnumerable<RouteCandidate> candidates, BlockSpan blocks, int positions)
    {
        RouteCandidate[] all = [.. candidates.OrderBy(candidate => candidate.Peer).DistinctBy(candidate => candidate.Peer)];
        RouteCandidate[] roomy = [.. all.Where(candidate => candidate.CacheTokensFree >= positions)];
        if (Uncovered(all, blocks) is { } hole)
        {
            throw new SwarmException(
                FaultKind.NoRoute, $"blocks {hole}: no known node serves them ({all.Length} nodes known)", blocks: (hole.Start, hole.End));
        }

        if (Uncovered(roomy, blocks) is { } full)
        {
            throw new SwarmException(
                FaultKind.NoCapacity, $"blocks {full}: no node that serves them has room for {positions} positions", blocks: (full.Start, full.End));
        }

        return roomy;
    }

    // The first stretch of blocks that no candidate serves.
    private static BlockSpan? Uncovered(RouteCandidate[] candidates, BlockSpan blocks)
    {
        // How many spans begin, less how many end, at each block.
        int[] change = new int[blocks.Count + 1];
        foreach (RouteCandidate candidate in candidates)
        {
            int start = Math.Max(candidate.Blocks.Start, blocks.Start) - blocks.Start;
            int end = Math.Min(candidate.Blocks.End, blocks.End) - blocks.Start;
            if (start >= end)
                continue;
            change[start]++;
            change[end]--;
        }

        int? first = null;
        int serving = 0;
        for (int block = 0; block <= blocks.Count; block++)
        {
            serving += change[block];
            if (block < blocks.Count && serving == 0)
                first ??= block;
            else if (first is { } start)
                return new BlockSpan(blocks.Start + start, blocks.Start + block);
        }

        return null;
    }
}
