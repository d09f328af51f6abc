using Swarm.Models;
using Swarm.Node.Placement;

namespace Swarm.Node.Tests.Placement;

/// <summary>Whether a node moves, and whose turn it is.</summary>
public sealed class RebalanceRuleTests
{
    private static readonly DateTimeOffset s_now = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly PlacementMove s_move = new(new BlockSpan(0, 10), new BlockSpan(10, 20));

    // Two of the same ten blocks, nobody of the other ten; the first has the better rank.
    private static readonly PlacementNode[] s_pair =
        [.. new[] { Nodes.Serving(1, 0, 10), Nodes.Serving(2, 0, 10) }.OrderBy(node => PlacementRank.OfIntent(node.Peer))];

    [Fact]
    public void Propose_AGapThatOneCanFill_MovesOneOfThem()
    {
        var snapshot = new PlacementSnapshot(20, s_pair);

        Assert.Equal([s_move], s_pair.Select(node => RebalanceRule.Propose(snapshot, node, PlacementHistory.Empty, s_now)).OfType<PlacementMove>());
    }

    [Fact]
    public void Propose_TheGapIsAnothersIntent_Stays()
    {
        var snapshot = new PlacementSnapshot(20, [s_pair[0] with { Intent = s_move.To }, s_pair[1]]);

        Assert.Null(RebalanceRule.Propose(snapshot, s_pair[1], PlacementHistory.Empty, s_now));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Propose_PlacedByTheOperatorOrJustMoved_Stays(int which)
    {
        PlacementNode[] nodes = [.. s_pair.Select((node, index) => index == which ? node with { Capacity = 0 } : node)];
        var snapshot = new PlacementSnapshot(20, nodes);

        Assert.Null(RebalanceRule.Propose(snapshot, nodes[which], PlacementHistory.Empty, s_now));
        Assert.Equal(s_move, RebalanceRule.Propose(snapshot, nodes[1 - which], PlacementHistory.Empty, s_now));
        Assert.Null(RebalanceRule.Propose(snapshot, nodes[1 - which], PlacementHistory.Empty.Moved(s_now - TimeSpan.FromSeconds(1)), s_now));
    }

    [Fact]
    public void Propose_ALastReplica_Stays()
    {
        PlacementNode[] alone = [Nodes.Serving(1, 0, 10)];

        Assert.Null(RebalanceRule.Propose(new PlacementSnapshot(20, alone), alone[0], PlacementHistory.Empty, s_now));
    }

    [Fact]
    public void Confirm_TwoLeaveTheSameBlocks_OneYieldsAndTheOtherWaitsForThat()
    {
        PlacementNode[] both = [.. s_pair.Select(node => node with { Intent = s_move.To })];
        var contested = new PlacementSnapshot(20, both);
        var settled = new PlacementSnapshot(20, [both[0], s_pair[1]]);

        Assert.Equal(MoveVerdict.Wait, Confirm(contested, both[0], RebalanceRule.Turn));
        Assert.Equal(MoveVerdict.Yield, Confirm(contested, both[1], RebalanceRule.Turn));
        Assert.Equal(MoveVerdict.Go, Confirm(settled, both[0], RebalanceRule.Turn));
        Assert.Equal(MoveVerdict.Yield, Confirm(contested, both[0], RebalanceRule.LongestWait));
    }

    [Fact]
    public void Confirm_BeforeItsTurn_Waits() =>
        Assert.Equal(MoveVerdict.Wait, Confirm(new PlacementSnapshot(20, s_pair), s_pair[0], RebalanceRule.Turn - TimeSpan.FromMilliseconds(1)));

    [Fact]
    public void Confirm_AnotherIsConfirmed_YieldsWhateverTheRank()
    {
        var snapshot = new PlacementSnapshot(20, [s_pair[0], s_pair[1] with { Intent = s_move.To, IntentConfirmed = true }]);

        Assert.Equal(MoveVerdict.Yield, Confirm(snapshot, s_pair[0], RebalanceRule.Turn));
    }

    [Fact]
    public void Confirm_TheOtherReplicaIsGone_Yields() =>
        Assert.Equal(MoveVerdict.Yield, Confirm(new PlacementSnapshot(20, [s_pair[0]]), s_pair[0], RebalanceRule.Turn));

    [Fact]
    public void MayDrop_OnlyWhileSomebodyKeepsEveryBlock()
    {
        Assert.True(May(s_pair[1]));
        Assert.True(May(s_pair[1] with { Intent = new BlockSpan(0, 12) }));
        Assert.False(May(s_pair[1] with { Intent = new BlockSpan(1, 11) }));
        Assert.False(May(s_pair[1] with { State = PlacementState.Leaving }));
        Assert.False(May(Nodes.Joiner(2, 10) with { Intent = new BlockSpan(0, 10), IntentConfirmed = true }));
        Assert.False(May(Nodes.Serving(3, 1, 20)));

        static bool May(PlacementNode other) => RebalanceRule.MayDrop(new PlacementSnapshot(20, [s_pair[0], other]), s_pair[0], s_move);
    }

    private static MoveVerdict Confirm(PlacementSnapshot snapshot, PlacementNode self, TimeSpan waited) => RebalanceRule.Confirm(snapshot, self, s_move, waited, s_now);
}
