using Swarm.Models;

namespace Swarm.Node.Placement;

/// <summary>
/// A good placement of given nodes from nothing: the largest first, each at the first of the weakest blocks, so that nodes lie end to end, layer upon layer; the best of three such. For n equal nodes of c blocks it is the
/// optimum, floor(n / ceil(B/c)) replicas: of the blocks 0, c, 2c … no span holds two, so no placement gives all of them more. It does not depend on where the nodes are, so it stays while
/// they move towards it.
/// </summary>
internal static class TargetPlacement
{
    /// <summary>Solves for the nodes of a snapshot that can move around those that cannot.</summary>
    /// <param name="snapshot">Who.</param>
    /// <param name="positions">Where each node is counted, by its index; null: nowhere.</param>
    /// <returns>Where each node should be, by its index, and the weakest level then.</returns>
    public static (BlockSpan?[] Spans, double Weakest) Solve(PlacementSnapshot snapshot, BlockSpan?[] positions)
    {
        (BlockSpan?[] Spans, double Weakest) best = ([], -1);
        foreach (Manner manner in Enum.GetValues<Manner>())
        {
            BlockSpan?[] found = Lay(snapshot, positions, manner);
            double weakest = Weakest(snapshot, found);
            if (weakest > best.Weakest)
                best = (found, weakest);
        }

        Exchange(snapshot, positions, best.Spans);
        return best;
    }

    private static double Weakest(PlacementSnapshot snapshot, BlockSpan?[] spans)
    {
        var board = new PlacementBoard(snapshot.ModelBlocks);
        for (int index = 0; index < spans.Length; index++)
        {
            if (spans[index] is { } span)
                board.Add(span, snapshot.Weights.Of(snapshot.Nodes[index], span));
        }

        return board.Weakest;
    }

    private static BlockSpan?[] Lay(PlacementSnapshot snapshot, BlockSpan?[] positions, Manner manner)
    {
        int blocks = snapshot.ModelBlocks;
        var board = new PlacementBoard(blocks);
        var spans = new BlockSpan?[positions.Length];
        var movable = new List<(int Index, int Length, double Weight)>();
        for (int index = 0; index < positions.Length; index++)
        {
            PlacementNode node = snapshot.Nodes[index];
            if (positions[index] is not { } position)
                continue;
            if (node.Capacity == 0)
            {
                spans[index] = position;
                board.Add(position, manner == Manner.ByReplicas ? 1 : snapshot.Weights.Of(node, position));
                continue;
            }

            int length = PlacementWeights.Length(node, blocks);
            movable.Add((index, length, manner == Manner.ByReplicas ? 1 : snapshot.Weights.Of(node, length)));
        }

        foreach ((int index, int length, double weight) in movable.OrderByDescending(node => node.Length).ThenByDescending(node => node.Weight).ThenBy(node => node.Index))
        {
            int start = manner == Manner.ByWorth ? board.Best(length, weight, 0, blocks - length, 0).Start : Math.Min(board.FirstWeakest, blocks - length);
            var span = new BlockSpan(start, start + length);
            spans[index] = span;
            board.Add(span, weight);
        }

        return spans;
    }

    // Equal nodes are interchangeable: who is on one of their places keeps it, the rest take the remaining places in the order in which they stand.
    private static void Exchange(PlacementSnapshot snapshot, BlockSpan?[] positions, BlockSpan?[] spans)
    {
        var kinds = Enumerable.Range(0, spans.Length)
            .Where(index => spans[index] is not null && snapshot.Nodes[index].Capacity > 0)
            .GroupBy(index => (spans[index]!.Value.Count, Weight: snapshot.Weights.Of(snapshot.Nodes[index], spans[index]!.Value)));
        foreach (IGrouping<(int Count, double Weight), int> kind in kinds)
        {
            List<BlockSpan> places = [.. kind.Select(index => spans[index]!.Value).OrderBy(span => span.Start)];
            var moving = new List<int>();
            foreach (int index in kind)
            {
                if (places.Remove(positions[index]!.Value))
                    spans[index] = positions[index];
                else
                    moving.Add(index);
            }

            int next = 0;
            foreach (int index in moving.OrderBy(index => positions[index]!.Value.Start).ThenBy(index => index))
                spans[index] = places[next++];
        }
    }

    // Where the next node is laid.
    private enum Manner
    {
        /// <summary>At the first block of the fewest replicas.</summary>
        ByReplicas,

        /// <summary>At the first block of the lowest level.</summary>
        ByLevel,

        /// <summary>Where it is worth most.</summary>
        ByWorth,
    }
}
