using Swarm.Models;
using Swarm.Protocol;
using Swarm.Protocol.Wire;

namespace Swarm.Client.Tests;

/// <summary>The plain rules of recovery: what is sent again, who takes over, who is gone around, what it is told to have cost.</summary>
public sealed class RecoveryRulesTests
{
    private static readonly PeerId[] s_peers = [.. Enumerable.Range(1, 9).Select(number => new PeerId(new byte[31].Append((byte)number).ToArray()))];

    [Fact]
    public void Pending_NothingUnderWay_AllIsConfirmedAndValid()
    {
        var steps = new PendingSteps();
        steps.Add(Step(0, 10));
        Send(steps);
        steps.Remove(steps.Find(0, 10, 0)!, 0);

        Assert.Equal((10, 10, 10, 10), (steps.Length, steps.Confirmed, steps.Valid, steps.FirstPosition));
        Assert.Null(steps.Find(0, 10, 0));
    }

    [Fact]
    public void Pending_StepsUnderWay_AreConfirmedUpToTheFirstAndValidToTheirEnd()
    {
        var steps = new PendingSteps();
        steps.Add(Step(0, 10));
        steps.Add(Step(10, 5));
        Send(steps);
        steps.Remove(steps.Find(0, 10, 0)!, 0);

        Assert.Equal((15, 10, 15), (steps.Length, steps.Confirmed, steps.Valid));
    }

    [Fact]
    public void NextToSend_StepThatOverwrites_WaitsForTheStepsItOverwrites()
    {
        var steps = new PendingSteps();
        steps.Add(Step(0, 10));
        steps.Add(Step(10, 5));
        PendingStep back = Step(12, 1, isRollback: true);
        steps.Add(back);
        Send(steps);

        Assert.False(back.IsSent);
        Assert.Equal((10, 13), (steps.Find(10, 5, 0)!.Position, steps.Length));
        steps.Remove(steps.Find(10, 5, 0)!, 0);
        // Still under way, but not concerned: [0, 10).
        Assert.Same(back, steps.NextToSend());
    }

    [Fact]
    public void BeginEpoch_StepThatOverwritesWaits_DropsThoseAndNothingAboveItIsValid()
    {
        var steps = new PendingSteps();
        PendingStep kept = Step(0, 10);
        PendingStep lost = Step(10, 5);
        steps.Add(kept);
        steps.Add(lost);
        steps.Add(Step(12, 1, isRollback: true));
        Send(steps);

        Assert.Equal([lost], steps.BeginEpoch(1));

        Assert.False(kept.IsSent);
        Assert.Equal((0, 0, 13), (steps.Confirmed, steps.Valid, steps.Length));
        Assert.False(steps.MayRepeat);
        // Once a chain is being asked, its answer to the dropped may still come.
        steps.Add(Step(12, 1, isRollback: true));
        Assert.Single(steps.DropOverwritten());
        Assert.True(steps.MayRepeat);
    }

    [Fact]
    public void Find_ResultOfAnEarlierEpoch_AnswersOnlyStepsThatWereSentThen()
    {
        var steps = new PendingSteps();
        steps.Add(Step(0, 1));
        Send(steps);
        steps.BeginEpoch(1);

        // The chain of epoch 0 answers after all; that of epoch 1 has been asked for the same.
        steps.Remove(steps.Find(0, 1, 0)!, 0);

        Assert.True(steps.MayRepeat);
        steps.Add(Step(0, 1, isRollback: true));
        Assert.Null(steps.Find(0, 1, 1));
        steps.BeginEpoch(2);
        Send(steps);
        Assert.Null(steps.Find(0, 1, 1));
        Assert.NotNull(steps.Find(0, 1, 2));
    }

    [Fact]
    public void OnHeld_StepsThatTheFirstHopHas_AreNotSentAgain()
    {
        var steps = new PendingSteps();
        steps.Add(Step(0, 4));
        steps.Add(Step(4, 4));
        Send(steps);
        PendingStep fresh = Step(8, 4);
        steps.Add(fresh);
        steps.BeginEpoch(1);

        steps.OnHeld(4);

        Assert.Equal(4, steps.NextToSend()!.Position);
        Assert.False(fresh.IsSent);
    }

    [Fact]
    public void Clear_StepsUnderWay_LeavesWhatCameBack()
    {
        var steps = new PendingSteps();
        steps.Add(Step(0, 4));
        steps.Add(Step(4, 4));
        Send(steps);
        steps.Remove(steps.Find(0, 4, 0)!, 0);

        Assert.Equal(4, Assert.Single(steps.Clear()).Position);
        Assert.Equal(4, steps.Length);
    }

    [Fact]
    public void Plan_OneHopLost_TheOthersKeepTheirBlocks()
    {
        IReadOnlyList<ChainHop> plan = Plan([Hop(0, 0, 2), Hop(1, 2, 4), Hop(2, 4, 6)], [1], Node(3, 2, 4), Node(0, 0, 4), Node(2, 2, 6));

        Assert.Equal([(0, 0, 2), (3, 2, 4), (2, 4, 6)], Shape(plan));
    }

    [Fact]
    public void Plan_NeighboursLost_AreOneStretch()
    {
        IReadOnlyList<ChainHop> plan = Plan([Hop(0, 0, 2), Hop(1, 2, 4), Hop(2, 4, 6)], [1, 2], Node(3, 2, 6), Node(4, 2, 4), Node(5, 4, 6));

        Assert.Equal([(0, 0, 2), (3, 2, 6)], Shape(plan));
    }

    [Fact]
    public void Plan_NobodyHasTheWholeStretch_SplitsIt()
    {
        IReadOnlyList<ChainHop> plan = Plan([Hop(0, 0, 2), Hop(1, 2, 6)], [1], Node(3, 2, 4), Node(4, 3, 6));

        Assert.Equal(2, plan[0].Blocks.End);
        Assert.Equal([0, 3, 4], plan.Select(hop => Array.IndexOf(s_peers, hop.Peer!.Value)));
    }

    [Fact]
    public void Plan_OnlyOneOfTheChainHasTheBlocks_PlansTheWholeWay()
    {
        IReadOnlyList<ChainHop> plan = Plan([Hop(0, 0, 2), Hop(1, 2, 4)], [1], Node(0, 0, 4));

        Assert.Equal([(0, 0, 4)], Shape(plan));
    }

    [Fact]
    public void Plan_NobodyServes_NamesTheMissingBlocksOfTheLost()
    {
        SwarmException fault = Assert.Throws<SwarmException>(() => Plan([Hop(0, 0, 2), Hop(1, 2, 6)], [1], Node(0, 0, 2), Node(3, 2, 4)));

        Assert.Equal((FaultKind.NoRoute, (4, 6)), (fault.Fault, fault.Blocks!.Value));
    }

    [Fact]
    public void Judge_CorruptPacket_IsResentOnceAndThenBlamed()
    {
        var rules = new TroubleRules();
        var trouble = new ChainTrouble(new SwarmException(FaultKind.CorruptPacket, "checksum", s_peers[1]), s_peers[1], null);

        Assert.Equal(new TroubleVerdict(FaultResponse.Resend, false, false), rules.Judge(trouble, false, TimeSpan.Zero));
        Assert.Empty(rules.Avoided(TimeSpan.Zero));
        Assert.Equal(new TroubleVerdict(FaultResponse.Replace, Report: true, Suspect: false), rules.Judge(trouble, false, TimeSpan.Zero));
        Assert.Equal([s_peers[1]], rules.Avoided(TimeSpan.Zero));
    }

    [Fact]
    public void Judge_WordAboutAnother_IsLookedIntoAndTheSessionGoesAroundItForAWhile()
    {
        var rules = new TroubleRules();
        var trouble = new ChainTrouble(new SwarmException(FaultKind.PeerLost, "gone", s_peers[1]), s_peers[1], s_peers[0]);

        Assert.Equal(new TroubleVerdict(FaultResponse.Replace, Report: false, Suspect: true), rules.Judge(trouble, false, TimeSpan.Zero));
        Assert.Equal([s_peers[1]], rules.Avoided(TroubleRules.Avoidance - TimeSpan.FromTicks(1)));
        Assert.Empty(rules.Avoided(TroubleRules.Avoidance));

        // Said again, the one who says it may be cut off itself.
        rules.Judge(trouble, false, TimeSpan.Zero);
        Assert.Equal(2, rules.Avoided(TimeSpan.Zero).Count);
    }

    [Fact]
    public void Judge_Overload_GoesElsewhereWithoutCost()
    {
        var rules = new TroubleRules();
        TroubleVerdict verdict = rules.Judge(new ChainTrouble(new SwarmException(FaultKind.NoCapacity, "full", s_peers[1]), s_peers[1], s_peers[1]), false, TimeSpan.Zero);

        Assert.Equal(new TroubleVerdict(FaultResponse.Elsewhere, Report: true, Suspect: false), verdict);
        Assert.Equal(FaultCost.None, FaultKind.NoCapacity.Rule().Cost);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Judge_EveryKind_DoesAsTheTableSays(FaultKind kind)
    {
        TroubleVerdict verdict = new TroubleRules().Judge(new ChainTrouble(new SwarmException(kind, "", s_peers[1]), s_peers[1], null), false, TimeSpan.Zero);

        Assert.Equal(kind.Rule().Response, verdict.Response);
    }

    public static TheoryData<FaultKind> Kinds => [.. Enum.GetValues<FaultKind>()];

    [Fact]
    public void Judge_MismatchOfANewHop_IsNotTheSessions()
    {
        var trouble = new ChainTrouble(new SwarmException(FaultKind.VersionMismatch, "", s_peers[1]), s_peers[1], s_peers[1]);

        Assert.Equal(FaultResponse.Elsewhere, new TroubleRules().Judge(trouble, opening: true, TimeSpan.Zero).Response);
        Assert.Equal(FaultResponse.Fail, new TroubleRules().Judge(trouble, opening: false, TimeSpan.Zero).Response);
    }

    [Theory]
    [InlineData("k k k", 0, 0, 0)]
    [InlineData("k n k", 57, 1, 0)]
    [InlineData("n n k", 57, 2, 0)]
    [InlineData("k r n k", 57, 2, 0)]
    [InlineData("k n r k", 57, 1, 9)]
    [InlineData("n k n n", 57, 2, 0)]
    [InlineData("n n n", 57, 3, 0)]
    public void Figures_OfWhatTheChainAnswers(string hops, int replayed, int depth, long downstream)
    {
        HopOpened[] opened = [.. hops.Split(' ').Select(hop => new HopOpened { Kept = hop != "n", Start = hop == "n" ? 3u : 60u, Recomputed = hop == "r" ? 9u : 0 })];

        Assert.Equal(new RecoveryFigures(replayed, depth, downstream), RecoveryFigures.Of(opened, 60));
    }

    [Theory]
    [InlineData(100, 20, 20, 200, 50, true)]
    [InlineData(100, 90, 20, 200, 50, false)] // as slow as it said
    [InlineData(100, 20, 20, 3, 2000, false)] // the end is near
    [InlineData(100, 20, 99, 200, 2000, false)] // nobody is faster by enough
    [InlineData(100, 0, 20, 200, 50, false)] // it promised nothing
    [InlineData(100, 20, 0, 200, 50, false)] // nobody promises anything
    [InlineData(100, 20, 20, 0, 50, false)]
    public void ShouldLeave_WeighsTheTokensToComeAgainstTheReplay(int measured, int promised, int alternative, int remaining, int positions, bool expected) =>
        Assert.Equal(expected, LeaveRule.ShouldLeave(
            TimeSpan.FromMilliseconds(measured), TimeSpan.FromMilliseconds(promised), TimeSpan.FromMilliseconds(alternative), remaining, positions));

    [Theory]
    [InlineData(new[] { 300, 20, 60 }, new[] { 20, 20, 20 }, 1)] // one is slow: the others' word counts
    [InlineData(new[] { 300, 200, 400 }, new[] { 20, 20, 20 }, 10)] // all are: so will the next one be
    [InlineData(new[] { 300 }, new[] { 20 }, 1)]
    [InlineData(new[] { 300, 10, 10 }, new[] { 20, 20, 0 }, 1)]
    public void Doubt_IsTheLeastThatTheOtherHopsAreSlowerThanTheySaid(int[] measured, int[] promised, double expected) =>
        Assert.Equal(expected, LeaveRule.Doubt([.. measured.Select(time => TimeSpan.FromMilliseconds(time))], [.. promised.Select(time => TimeSpan.FromMilliseconds(time))], 0));

    private static PendingStep Step(int position, int count, bool isRollback = false) =>
        new(position, count, OutputRows.None, default, new StepInput(new int[count]), isRollback);

    private static void Send(PendingSteps steps)
    {
        while (steps.NextToSend() is { } step)
            steps.OnSent(step);
    }

    private static ChainHop Hop(int peer, int start, int end) => new(s_peers[peer], $"10.0.0.{peer}:1", new BlockSpan(start, end));

    private static RouteCandidate Node(int peer, int start, int end) => new(s_peers[peer], $"10.0.0.{peer}:1", new BlockSpan(start, end));

    private static IReadOnlyList<ChainHop> Plan(IReadOnlyList<ChainHop> hops, int[] lost, params RouteCandidate[] nodes) =>
        RecoveryPlan.Make(hops, lost.Select(peer => s_peers[peer]).ToHashSet(), nodes, 10, RouteMode.Latency, new SeededRandomSource(1));

    private static IEnumerable<(int, int, int)> Shape(IReadOnlyList<ChainHop> plan) =>
        plan.Select(hop => (Array.IndexOf(s_peers, hop.Peer!.Value), hop.Blocks.Start, hop.Blocks.End));
}
