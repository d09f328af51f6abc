using Swarm.Models;
using Swarm.Node.Placement;

namespace Swarm.Node.Tests.Placement;

/// <summary>Which blocks a node takes when it comes.</summary>
public sealed class PlacementRuleTests
{
    [Theory]
    [InlineData("", 30, 30, 0, 30)]
    [InlineData("", 30, 12, 0, 12)]
    [InlineData("0:10", 30, 30, 0, 30)]
    [InlineData("0:10", 30, 20, 10, 30)]
    [InlineData("0:10 25:30", 30, 15, 10, 25)]
    [InlineData("0:10 25:30", 30, 4, 10, 14)]
    [InlineData("0:10 25:30", 30, 20, 5, 25)]
    [InlineData("0:30", 30, 30, 0, 30)]
    [InlineData("0:30 0:15", 30, 10, 15, 25)]
    [InlineData("0:30 20:30 0:10", 30, 10, 10, 20)]
    [InlineData("0:30", 30, 50, 0, 30)]
    public void Choose_WhatOthersServe_TakesTheHolesOrTheWeakestStretch(string served, int blocks, int capacity, int start, int end)
    {
        PlacementSnapshot snapshot = Nodes.Snapshot(blocks, served);

        Assert.Equal(new BlockSpan(start, end), PlacementRule.Choose(snapshot, Nodes.Joiner(100, capacity)));
    }

    [Fact]
    public void Choose_JoinersThatSeeEachOther_TakeDifferentGaps()
    {
        PlacementNode[] joiners = [.. Enumerable.Range(1, 6).Select(id => Nodes.Joiner(id, 10) with { Intent = new BlockSpan(0, 10) })];
        var snapshot = new PlacementSnapshot(30, joiners);

        IEnumerable<int> starts = joiners.Select(joiner => PlacementRule.Choose(snapshot, joiner).Start).Order();

        Assert.Equal([0, 0, 10, 10, 20, 20], starts);
    }

    [Fact]
    public void Choose_AConfirmedIntent_CountsAsServed()
    {
        PlacementNode other = Nodes.Joiner(1, 10) with { Intent = new BlockSpan(0, 10), IntentConfirmed = true };

        Assert.Equal(new BlockSpan(10, 20), PlacementRule.Choose(new PlacementSnapshot(30, [other]), Nodes.Joiner(2, 10)));
    }

    [Fact]
    public void Choose_AJoinerThatItsOperatorHasPlaced_IsCountedWhereItGoes()
    {
        PlacementNode other = Nodes.Joiner(1, 0) with { Intent = new BlockSpan(5, 20) };

        Assert.Equal(new BlockSpan(20, 30), PlacementRule.Choose(new PlacementSnapshot(30, [other, Nodes.Serving(2, 0, 5)]), Nodes.Joiner(3, 10)));
    }

    [Fact]
    public void Choose_LeavingNodes_CountAsGone()
    {
        PlacementNode leaving = Nodes.Serving(1, 0, 30) with { State = PlacementState.Leaving };

        Assert.Equal(new BlockSpan(0, 10), PlacementRule.Choose(new PlacementSnapshot(30, [leaving, Nodes.Serving(2, 10, 30)]), Nodes.Joiner(3, 10)));
    }

    [Fact]
    public void Snapshot_ImpossibleEntries_AreLeftOut()
    {
        PlacementNode[] nodes =
        [
            Nodes.Serving(1, 0, 31), Nodes.Serving(2, -1, 4), Nodes.Serving(3, 5, 5), Nodes.Serving(4, 9, 4), Nodes.Serving(5, 0, 4) with { Intent = new BlockSpan(28, 32) },
            Nodes.Serving(6, 0, 4) with { Capacity = -1 }, Nodes.Serving(7, 0, 4) with { State = (PlacementState)9 }, Nodes.Serving(8, 0, 4), Nodes.Serving(8, 4, 8),
        ];

        Assert.Equal([Nodes.Serving(8, 0, 4)], new PlacementSnapshot(30, nodes).Nodes);
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(-1)]
    [InlineData(1e300)]
    public void Choose_AnAbsurdSpeed_MovesNobodyFurtherThanTheMostThatAReplicaCounts(double speed)
    {
        // Eight honest replicas outweigh the claim.
        PlacementNode[] nodes =
        [
            Nodes.Serving(1, 0, 10) with { BlockTokensPerSecond = speed },
            .. Enumerable.Range(2, 9).Select(id => Nodes.Serving(id, 10, 20) with { BlockTokensPerSecond = 10 }),
        ];

        Assert.Equal(new BlockSpan(0, 10), PlacementRule.Choose(new PlacementSnapshot(20, nodes), Nodes.Joiner(90, 10)));
    }

    [Theory]
    [InlineData("0:10", "5:15", "0:5", "10:15")]
    [InlineData("5:15", "0:10", "10:15", "0:5")]
    [InlineData("0:10", "20:30", "0:10", "20:30")]
    [InlineData("5:10", "0:20", "", "0:5 10:20")]
    [InlineData("0:20", "5:10", "0:5 10:20", "")]
    [InlineData("0:5", "0:5", "", "")]
    public void Move_FromTo_LoadsAndDropsTheDifference(string from, string to, string drops, string loads)
    {
        var move = new PlacementMove(Nodes.Span(from), Nodes.Span(to));

        Assert.Equal(loads, string.Join(' ', move.Loads));
        Assert.Equal(drops, string.Join(' ', move.Drops));
    }
}
