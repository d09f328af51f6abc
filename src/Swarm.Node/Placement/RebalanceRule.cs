using Swarm.Models;

namespace Swarm.Node.Placement;

/// <summary>Whether a serving node moves, where to, and when it is its turn. Plain functions of a snapshot, the node itself, its history and the time.</summary>
/// <remarks>
/// <para>Use, every 1 to 2 s with jitter: <see cref="Propose"/>. On a move: announce it as intent; then every few hundred milliseconds, with the snapshot of then and the intent in
/// <c>self</c>, <see cref="Confirm"/>: on <see cref="MoveVerdict.Yield"/> take the intent back; on <see cref="MoveVerdict.Go"/> announce the intent as confirmed, load
/// <see cref="PlacementMove.Loads"/>, and once <see cref="MayDrop"/>, announce the new span without an intent and drop <see cref="PlacementMove.Drops"/>; a node without memory for both
/// asks <see cref="MayDrop"/>, announces what stays, drops, then loads. If <see cref="MayDrop"/> stays false for <see cref="LongestWait"/>, announce the old span without an intent and drop what was loaded.
/// Done or given up after Go: <see cref="PlacementHistory.Moved"/>.</para>
/// <para>Why it ends: a replica's worth is what it takes from Σ 1/level over the blocks, so each gainful move lowers that sum by at least <see cref="LeastGain"/> of the node's worth; and
/// a node's own least gain doubles with each of its moves of the last ten minutes.</para>
/// <para>Why no hole opens: a vacated block must be kept by somebody who announces no intent to leave it. Of two nodes that count on each other, the one that asked last sees the other's
/// intent, provided that news spreads within <see cref="Turn"/>; with slower news, within that plus the time it takes to load, since <see cref="MayDrop"/> asks again.</para>
/// </remarks>
public static class RebalanceRule
{
    /// <summary>A move must be worth this share more than staying.</summary>
    public const double LeastGain = 0.1;

    /// <summary>How long an intent is announced before it can be confirmed: news of it should have spread by then.</summary>
    public static readonly TimeSpan Turn = TimeSpan.FromSeconds(2);

    /// <summary>How long an intent waits for its turn, or a loaded node for leave to drop, before it gives up.</summary>
    public static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(10);

    /// <summary>Least time between two moves of a node.</summary>
    public static readonly TimeSpan Rest = TimeSpan.FromSeconds(5);

    // Steps to a common target need not gain by themselves, so they are counted instead.
    private const int MostRecentMoves = 6;

    // The order of the queue changes this often.
    private static readonly TimeSpan s_epoch = TimeSpan.FromSeconds(4);

    /// <summary>The move that this node should announce, or null to stay.</summary>
    /// <param name="snapshot">What is known of the model's nodes; with or without the caller.</param>
    /// <param name="self">The caller: Serving, without an intent. One with capacity 0 always stays.</param>
    /// <param name="history">The caller's moves.</param>
    /// <param name="now">Time of the injected clock. Clocks of nodes need not agree; the better they do, the fewer intents conflict.</param>
    public static PlacementMove? Propose(PlacementSnapshot snapshot, PlacementNode self, PlacementHistory history, DateTimeOffset now)
    {
        if (self is not { State: PlacementState.Serving, Capacity: > 0 } || history.SinceLast(now) < Rest)
            return null;
        snapshot = snapshot.With(self with { Intent = null, IntentConfirmed = false });
        MovePlan plan = snapshot.PlanFor(Epoch(now));
        if (plan.MoveOf(snapshot.IndexOf(self.Peer)) is not { } move)
            return null;
        if (plan.IsToTarget)
            return history.Recent(now) < MostRecentMoves ? move : null;
        return history.Recent(now) == 0 || Gains(snapshot, self, move, OwnLeastGain(history, now)) ? move : null;
    }

    /// <summary>Whether an announced move goes ahead.</summary>
    /// <param name="snapshot">What is known now.</param>
    /// <param name="self">The caller as it serves now; its intent is taken from <paramref name="move"/>.</param>
    /// <param name="move">What was proposed and announced.</param>
    /// <param name="waited">Time since the intent was announced.</param>
    /// <param name="now">Time of the injected clock.</param>
    public static MoveVerdict Confirm(PlacementSnapshot snapshot, PlacementNode self, PlacementMove move, TimeSpan waited, DateTimeOffset now)
    {
        if (waited < Turn)
            return MoveVerdict.Wait;
        PlacementNode[] others = [.. snapshot.Nodes.Where(node => node.Peer != self.Peer)];
        ulong rank = PlacementRank.OfIntent(self.Peer);

        // Claims of a lower rank yield to this one, so they are not counted.
        IEnumerable<PlacementNode> before = others.Select(
            node => node is { Intent: not null, IntentConfirmed: false } && PlacementRank.OfIntent(node.Peer) > rank ? node with { Intent = null } : node);
        PlacementNode resting = self with { Intent = null, IntentConfirmed = false };
        var contested = new PlacementSnapshot(snapshot.ModelBlocks, [.. before, resting]);
        if (!Gains(contested, resting, move, LeastGain) && !IsStepToTarget(contested, resting, move, now))
            return MoveVerdict.Yield;

        switch (Leave(others, move))
        {
            case { Kept: true }:
                return MoveVerdict.Go;
            case { Confirmed: false, BestRank: { } best } when best > rank && waited < LongestWait:
                // Those who would leave the same block stand behind in the queue and yield.
                return MoveVerdict.Wait;
            default:
                return MoveVerdict.Yield;
        }
    }

    /// <summary>Whether every block that a node would give up is served by somebody who means to go on. Ask with the newest snapshot directly before blocks are dropped.</summary>
    /// <param name="snapshot">What is known now.</param>
    /// <param name="self">The caller.</param>
    /// <param name="move">From what it serves to what it will keep.</param>
    public static bool MayDrop(PlacementSnapshot snapshot, PlacementNode self, PlacementMove move) =>
        Leave(snapshot.Nodes.Where(node => node.Peer != self.Peer), move).Kept;

    private static long Epoch(DateTimeOffset now) => now.Ticks / s_epoch.Ticks;

    private static double OwnLeastGain(PlacementHistory history, DateTimeOffset now) => LeastGain * Math.Pow(2, Math.Min(16, history.Recent(now)));

    private static bool Gains(PlacementSnapshot snapshot, PlacementNode self, PlacementMove move, double leastGain)
    {
        PlacementBoard board = PlacementBoard.Of(snapshot, node => true);
        return board.Gains(move, snapshot.Weights.Of(self, move.From), snapshot.Weights.Of(self, move.To), leastGain);
    }

    private static bool IsStepToTarget(PlacementSnapshot snapshot, PlacementNode self, PlacementMove move, DateTimeOffset now)
    {
        MovePlan plan = snapshot.PlanFor(Epoch(now));
        return plan.IsToTarget && plan.MoveOf(snapshot.IndexOf(self.Peer)) == move;
    }

    // Whether all that a move vacates is kept by others, and if not, who is about to leave the same blocks.
    private static (bool Kept, bool Confirmed, ulong? BestRank) Leave(IEnumerable<PlacementNode> others, PlacementMove move)
    {
        PlacementNode[] serving = [.. others.Where(node => node.State == PlacementState.Serving)];
        bool kept = true;
        bool confirmed = false;
        ulong? best = null;
        foreach (BlockSpan span in move.Drops)
        {
            for (int block = span.Start; block < span.End; block++)
            {
                if (serving.Any(node => node.Blocks.Contains(block) && node.Intent?.Contains(block) != false))
                    continue;
                kept = false;
                foreach (PlacementNode node in serving.Where(node => node.Blocks.Contains(block)))
                {
                    confirmed |= node.IntentConfirmed;
                    ulong rank = PlacementRank.OfIntent(node.Peer);
                    best = best is { } known ? Math.Min(known, rank) : rank;
                }
            }
        }

        return (kept, confirmed, best);
    }
}
