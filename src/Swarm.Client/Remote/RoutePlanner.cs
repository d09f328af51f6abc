using Swarm.Models;
using Swarm.Protocol;

namespace Swarm.Client;

/// <summary>
/// Step 4: chooses who computes which blocks. A plain function: fewest hops first, then the least expected time, then the lower peer
/// ids. A node's span may be used in part.
/// </summary>
public static class RoutePlanner
{
    // What a node of unknown speed is taken for.
    private const double UnknownTokensPerSecond = 1;

    /// <summary>Plans a route.</summary>
    /// <param name="candidates">Nodes that serve now, in any order.</param>
    /// <param name="blocks">Blocks to cover.</param>
    /// <param name="positions">Positions that each hop must have room for.</param>
    /// <exception cref="SwarmException">NoRoute names the blocks that nobody serves; NoCapacity those that nobody has room for.</exception>
    public static IReadOnlyList<ChainHop> Plan(IEnumerable<RouteCandidate> candidates, BlockSpan blocks, int positions)
    {
        RouteCandidate[] all = [.. candidates.OrderBy(candidate => candidate.Peer)];
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

        return Best(roomy, blocks);
    }

    // From the end backwards: the best way to cover [block, end) for every block.
    private static List<ChainHop> Best(RouteCandidate[] candidates, BlockSpan blocks)
    {
        var best = new Way[blocks.Count + 1];
        for (int from = blocks.Count - 1; from >= 0; from--)
        {
            int block = blocks.Start + from;
            Way chosen = new(int.MaxValue, double.MaxValue, 0, -1);
            for (int index = 0; index < candidates.Length; index++)
            {
                RouteCandidate candidate = candidates[index];
                if (!candidate.Blocks.Contains(block))
                    continue;
                int last = Math.Min(candidate.Blocks.End, blocks.End) - blocks.Start;
                for (int to = last; to > from; to--)
                {
                    Way rest = best[to];
                    var way = new Way(rest.Hops + 1, rest.Seconds + Seconds(candidate, to - from), to, index);
                    // Candidates are in the order of their ids: of equals the first stays.
                    if (way.Hops < chosen.Hops || (way.Hops == chosen.Hops && way.Seconds < chosen.Seconds))
                        chosen = way;
                }
            }

            best[from] = chosen;
        }

        var hops = new List<ChainHop>();
        for (int from = 0; from < blocks.Count; from = best[from].To)
        {
            RouteCandidate candidate = candidates[best[from].Candidate];
            hops.Add(new ChainHop(candidate.Peer, candidate.Address, new BlockSpan(blocks.Start + from, blocks.Start + best[from].To)));
        }

        return hops;
    }

    private static double Seconds(RouteCandidate candidate, int count)
    {
        double speed = candidate.TokensPerSecond > 0 ? candidate.TokensPerSecond : UnknownTokensPerSecond;
        return count / (speed * candidate.Blocks.Count);
    }

    // The first stretch of blocks that no candidate serves.
    private static BlockSpan? Uncovered(RouteCandidate[] candidates, BlockSpan blocks)
    {
        int? start = null;
        for (int block = blocks.Start; block <= blocks.End; block++)
        {
            bool covered = block == blocks.End || candidates.Any(candidate => candidate.Blocks.Contains(block));
            if (!covered)
                start ??= block;
            else if (start is { } first)
                return new BlockSpan(first, block);
        }

        return null;
    }

    private readonly record struct Way(int Hops, double Seconds, int To, int Candidate);
}
