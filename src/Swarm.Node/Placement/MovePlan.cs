using Swarm.Models;

namespace Swarm.Node.Placement;

/// <summary>
/// Who should move where, given a snapshot: everybody makes the same plan of the same snapshot, so only those in it stir. Nodes are asked in the order of their rank, and each sees those
/// before it as if they had moved, so a gap draws as many as it needs. Where moves that gain one by one leave the swarm clearly weaker than <see cref="TargetPlacement"/>,
/// as they can where few nodes of some size lie badly, the plan goes to that target instead, through steps that need not gain by themselves.
/// </summary>
internal sealed class MovePlan
{
    // With more replicas, steps that gain one by one come close to the optimum.
    private const int MostNodesForTarget = 64;
    private const int MostReplicasForTarget = 4;
    private const int MostRounds = 8;

    private readonly PlacementMove?[] _moves;

    private MovePlan(long epoch, PlacementMove?[] moves, bool toTarget)
    {
        Epoch = epoch;
        _moves = moves;
        IsToTarget = toTarget;
    }

    public long Epoch { get; }

    /// <summary>Whether the moves go to a common target and need not gain by themselves.</summary>
    public bool IsToTarget { get; }

    /// <summary>The move of the node with this index, if it has one.</summary>
    public PlacementMove? MoveOf(int index) => index < 0 ? null : _moves[index];

    public static MovePlan Make(PlacementSnapshot snapshot, long epoch)
    {
        PlacementBoard board = PlacementBoard.Of(snapshot, IsServing);
        var positions = new BlockSpan?[snapshot.Nodes.Count];
        for (int index = 0; index < positions.Length; index++)
            positions[index] = PlacementBoard.Counted(snapshot.Nodes[index], IsServing);
        PlacementRule.PlaceJoiners(snapshot, board, positions);

        int[] movers = [.. Enumerable.Range(0, positions.Length)
            .Where(index => CanMove(snapshot.Nodes[index]))
            .OrderBy(index => PlacementRank.Of(snapshot.Nodes[index].Peer, epoch))];
        var moves = new PlacementMove?[positions.Length];
        bool few = positions.Length <= MostNodesForTarget && positions.Sum(span => (long)(span?.Count ?? 0)) <= (long)MostReplicasForTarget * snapshot.ModelBlocks;
        if (few && ToTarget(snapshot, board, positions, movers, moves))
            return new MovePlan(epoch, moves, true);
        Array.Clear(moves);
        Round(snapshot, board, positions, movers, moves);
        return new MovePlan(epoch, moves, false);
    }

    private static bool CanMove(PlacementNode node) => node is { State: PlacementState.Serving, Capacity: > 0, Intent: null };

    // A serving node's intent is counted as carried out; joiners are placed in their order.
    private static bool IsServing(PlacementNode node) => node.State == PlacementState.Serving;

    // Each mover once, in turn, if it gains by it.
    private static bool Round(PlacementSnapshot snapshot, PlacementBoard board, BlockSpan?[] positions, int[] movers, PlacementMove?[] moves)
    {
        bool any = false;
        foreach (int index in movers)
        {
            PlacementNode node = snapshot.Nodes[index];
            BlockSpan from = positions[index]!.Value;
            int length = PlacementWeights.Length(node, snapshot.ModelBlocks);
            (double now, double then) = (snapshot.Weights.Of(node, from), snapshot.Weights.Of(node, length));
            if (board.Improve(from, now, length, then, RebalanceRule.LeastGain) is not { } move)
                continue;
            any = true;
            moves[index] ??= move;
            board.Remove(from, now);
            board.Add(move.To, then);
            board.Vacate(move);
            positions[index] = move.To;
        }

        return any;
    }

    // True, with the moves that can be made now, when the target is clearly better than what gainful moves lead to.
    private static bool ToTarget(PlacementSnapshot snapshot, PlacementBoard board, BlockSpan?[] positions, int[] movers, PlacementMove?[] moves)
    {
        // No placement lifts the weakest block over the mean.
        if (!Better(board.Mean, board.Weakest))
            return false;
        (BlockSpan?[] target, double weakest) = TargetPlacement.Solve(snapshot, positions);
        if (!Better(weakest, board.Weakest))
            return false;
        PlacementBoard tried = PlacementBoard.Of(snapshot, IsServing);
        BlockSpan?[] there = [.. positions];
        PlacementRule.PlaceJoiners(snapshot, tried, new BlockSpan?[positions.Length]);
        for (int round = 0; round < MostRounds && Round(snapshot, tried, there, movers, moves); round++)
        {
        }

        if (!Better(weakest, tried.Weakest))
            return false;
        Array.Clear(moves);
        bool any = false;
        foreach (int index in movers)
        {
            var move = new PlacementMove(positions[index]!.Value, target[index]!.Value);
            if (move.From == move.To || move.Drops.Any(span => Enumerable.Range(span.Start, span.Count).Any(block => board.Keepers(block) < 2)))
                continue;
            moves[index] = move;
            board.Vacate(move);
            any = true;
        }

        return any;
    }

    private static bool Better(double level, double than) => level > than * (1 + RebalanceRule.LeastGain) + 1e-6;
}
