using Swarm.Models;

namespace Swarm.Node.Placement;

/// <summary>
/// Which blocks a node takes when it comes and nobody tells it: as many as it holds, where the swarm is weakest. A plain function.
/// </summary>
/// <remarks>
/// Use: <see cref="Choose"/>; announce the span as intent (Joining, not confirmed); wait <see cref="RebalanceRule.Turn"/>; choose again from the snapshot of then, with the intent in
/// <c>self</c>. The same span again: announce it as confirmed and load it. Another: announce that and wait again, at most <see cref="MostRounds"/> times, then load the last: rebalancing mends what is left.
/// </remarks>
public static class PlacementRule
{
    /// <summary>How often a joiner reconsiders before it loads what it chose last.</summary>
    public const int MostRounds = 4;

    /// <summary>
    /// The blocks to take: the span of <see cref="PlacementNode.Capacity"/> blocks (at most the model) that covers most blocks that nobody covers, and of those the one that lifts weak
    /// blocks most; of equals the first. Others' confirmed intents count as served. Joiners that have not confirmed are placed with this one in an order that all agree on (larger ones first,
    /// then by a hash of the peer id), so that those who see each other choose different gaps. An own intent is kept unless another span is worth <see cref="RebalanceRule.LeastGain"/> more.
    /// </summary>
    /// <param name="snapshot">What is known of the model's nodes; with or without the caller.</param>
    /// <param name="self">The caller: Joining, with a capacity of at least 1.</param>
    public static BlockSpan Choose(PlacementSnapshot snapshot, PlacementNode self)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(self.Capacity, 1);
        snapshot = snapshot.With(self with { State = PlacementState.Joining, Blocks = default, IntentConfirmed = false });
        PlacementBoard board = PlacementBoard.Of(snapshot, node => node.State == PlacementState.Serving);
        var positions = new BlockSpan?[snapshot.Nodes.Count];
        PlaceJoiners(snapshot, board, positions);
        return positions[snapshot.IndexOf(self.Peer)]!.Value;
    }

    /// <summary>Whether it makes sense to wait for a turn: not where the node holds the whole model.</summary>
    public static bool NeedsTurn(PlacementSnapshot snapshot, PlacementNode self) => self.Capacity < snapshot.ModelBlocks;

    /// <summary>Puts the joiners that have not confirmed on the board, in their order.</summary>
    internal static void PlaceJoiners(PlacementSnapshot snapshot, PlacementBoard board, BlockSpan?[] positions)
    {
        int blocks = snapshot.ModelBlocks;
        IEnumerable<int> joiners = Enumerable.Range(0, snapshot.Nodes.Count)
            .Where(index => snapshot.Nodes[index] is { State: PlacementState.Joining, IntentConfirmed: false })
            .OrderByDescending(index => PlacementWeights.Length(snapshot.Nodes[index], blocks))
            .ThenBy(index => PlacementRank.OfIntent(snapshot.Nodes[index].Peer));
        foreach (int index in joiners)
        {
            PlacementNode node = snapshot.Nodes[index];
            int length = PlacementWeights.Length(node, blocks);
            if (length == 0)
                continue;
            double weight = snapshot.Weights.Of(node, length);
            (int start, PlacementValue value) = board.Best(length, weight, 0, blocks - length, 0);
            var span = new BlockSpan(start, start + length);
            // One that its operator has placed goes where it says.
            if (node.Intent is { } intent && (node.Capacity == 0 || intent.Count == length) && !(node.Capacity > 0 && value.Exceeds(board.ValueOf(intent, weight), RebalanceRule.LeastGain)))
                span = intent;
            board.Add(span, weight);
            positions[index] = span;
        }
    }
}
