using Swarm.Models;
using Swarm.Protocol;

namespace Swarm.Client;

/// <summary>
/// Draws one of the routes whose bottleneck is near the best. A node's spare speed is its blocks a second divided among its sessions and one more; a route is as good as the least spare of its
/// hops. Nodes under half of the best route's bottleneck are left out; among the rest each hop is drawn with chances in proportion to spare speed times blocks that it would compute, and computes all
/// that it can, so that chains stay short and the sessions of many clients spread as the speeds do.
/// </summary>
internal static class ThroughputChoice
{
    private const double NearBest = 0.5;

    public static IReadOnlyList<ChainHop> Draw(RouteCandidate[] candidates, BlockSpan blocks, IRandomSource random)
    {
        double least = NearBest * Bottleneck(candidates, blocks);
        RouteCandidate[] good = [.. candidates.Where(candidate => Spare(candidate) >= least)];
        var hops = new List<ChainHop>();
        for (int block = blocks.Start; block < blocks.End;)
        {
            RouteCandidate[] here = [.. good.Where(candidate => candidate.Blocks.Contains(block))];
            RouteCandidate chosen = here[^1];
            double left = random.NextDouble() * here.Sum(Chance);
            foreach (RouteCandidate candidate in here)
            {
                left -= Chance(candidate);
                if (left >= 0)
                    continue;
                chosen = candidate;
                break;
            }

            int end = Math.Min(chosen.Blocks.End, blocks.End);
            hops.Add(new ChainHop(chosen.Peer, chosen.Address, new BlockSpan(block, end)));
            block = end;

            double Chance(RouteCandidate candidate) => Spare(candidate) * (Math.Min(candidate.Blocks.End, blocks.End) - block);
        }

        return hops;
    }

    // Blocks a second that one more session would get.
    private static double Spare(RouteCandidate candidate) => 1 / (RouteCosts.Block(candidate) * 50e-9 * (1.0 + Math.Max(0, candidate.Sessions)));

    // The best route's least spare: the least over the blocks of the most that a node of the block has.
    private static double Bottleneck(RouteCandidate[] candidates, BlockSpan blocks)
    {
        var most = new double[blocks.Count];
        foreach (RouteCandidate candidate in candidates)
        {
            double spare = Spare(candidate);
            for (int block = Math.Max(blocks.Start, candidate.Blocks.Start); block < Math.Min(blocks.End, candidate.Blocks.End); block++)
                most[block - blocks.Start] = Math.Max(most[block - blocks.Start], spare);
        }

        return most.Min();
    }
}
