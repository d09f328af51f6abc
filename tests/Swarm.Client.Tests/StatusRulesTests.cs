using Swarm.Client.Observing;
using Swarm.Models;
using Swarm.Protocol;

namespace Swarm.Client.Tests;

public sealed class StatusRulesTests
{
    private static readonly ObservedModel Model = new("tiny", new string('a', 64), 10, 0);

    [Fact]
    public void Assess_NoNodes_SaysSoAndNothingElse()
    {
        SwarmStatus status = StatusRules.Assess("s", Model, [Model], []);
        Assert.Equal([StatusAlertCode.NoNodes], status.Alerts.Select(alert => alert.Code));
        Assert.Contains("tiny", status.Alerts[0].Message, StringComparison.Ordinal);
        Assert.Equal(new int[10], status.Replicas);
    }

    [Fact]
    public void Assess_NoModel_HasNoBlocks()
    {
        SwarmStatus status = StatusRules.Assess("s", null, [], []);
        Assert.Empty(status.Replicas);
        Assert.Contains("any model", Assert.Single(status.Alerts).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Assess_HoleAndSingles_NamesTheirBlocks()
    {
        SwarmStatus status = Assess(Node(1, 0, 4), Node(2, 2, 4), Node(3, 6, 8));
        Assert.Equal<int>([1, 1, 2, 2, 0, 0, 1, 1, 0, 0], status.Replicas);
        Assert.Equal([StatusAlertCode.UncoveredBlocks, StatusAlertCode.SingleReplica], status.Alerts.Select(alert => alert.Code));
        Assert.StartsWith("blocks 4:6, 8:10: nobody serves them", status.Alerts[0].Message, StringComparison.Ordinal);
        Assert.StartsWith("blocks 0:2, 6:8: one replica", status.Alerts[1].Message, StringComparison.Ordinal);
        Assert.True(status.Alerts[0].IsUrgent);
        Assert.False(status.Alerts[1].IsUrgent);
    }

    [Theory]
    [InlineData(ObservedState.Joining)]
    [InlineData(ObservedState.Paused)]
    [InlineData(ObservedState.Leaving)]
    [InlineData(ObservedState.Unreachable)]
    public void Assess_NodeThatTakesNoSessions_DoesNotCount(ObservedState state)
    {
        SwarmStatus status = Assess(Node(1, 0, 10), Node(2, 0, 10) with { State = state });
        Assert.All(status.Replicas, replicas => Assert.Equal(1, replicas));
        Assert.Contains(status.Alerts, alert => alert.Code == StatusAlertCode.SingleReplica);
    }

    [Theory]
    [InlineData(ObservedState.Joining, "nodes that load now")]
    [InlineData(ObservedState.Paused, "'swarm resume'")]
    [InlineData(ObservedState.Leaving, "start another node")]
    public void Assess_HoleThatSomebodyHolds_SaysWhatMendsIt(ObservedState state, string remedy)
    {
        SwarmStatus status = Assess(Node(1, 0, 5), Node(2, 5, 10) with { State = state });
        Assert.Contains(remedy, status.Alerts.Single(alert => alert.Code == StatusAlertCode.UncoveredBlocks).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Assess_ManyUnreachable_NamesTheFirstAndCountsTheRest()
    {
        ObservedNode[] dead = [.. Enumerable.Range(1, 6).Select(number => Node(number, 0, 10) with { State = ObservedState.Unreachable })];
        StatusAlert alert = Assess([.. dead, Node(7, 0, 10), Node(8, 0, 10)]).Alerts.Single();
        Assert.Equal(StatusAlertCode.UnreachableNode, alert.Code);
        Assert.Contains($"{dead[0].Peer.Short} at 10.0.0.1:31330", alert.Message, StringComparison.Ordinal);
        Assert.Contains("and 2 more do not answer", alert.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Assess_TwoVersions_CountsThem()
    {
        StatusAlert alert = Assess(Node(1, 0, 10), Node(2, 0, 10) with { Version = "0.2.0" }).Alerts.Single();
        Assert.Equal(StatusAlertCode.VersionMix, alert.Code);
        Assert.Contains("0.1.0 on 1, 0.2.0 on 1", alert.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Assess_EveryReplicaFull_SaysThatSessionsAreRefused()
    {
        SwarmStatus status = Assess(Node(1, 0, 10) with { CacheTokensFree = 0 }, Node(2, 0, 10), Node(3, 4, 6) with { CacheTokensFree = 0 });
        Assert.Empty(status.Alerts);
        status = Assess(Node(1, 0, 10) with { CacheTokensFree = 0 }, Node(2, 0, 4), Node(3, 4, 10) with { CacheTokensFree = 0 });
        StatusAlert alert = Assert.Single(status.Alerts);
        Assert.Equal(StatusAlertCode.NoFreeCache, alert.Code);
        Assert.StartsWith("blocks 4:10:", alert.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Assess_NodesInAnyOrder_GivesTheSameStatus()
    {
        ObservedNode[] nodes = [Node(3, 5, 10), Node(1, 0, 5), Node(2, 0, 5), Node(4, 5, 10)];
        Assert.Equal<ObservedNode>(Assess(nodes).Nodes, Assess([.. nodes.Reverse()]).Nodes);
        Assert.Equal([0, 0, 5, 5], Assess(nodes).Nodes.Select(node => node.Blocks.Start));
    }

    [Fact]
    public void Replicas_SpansBeyondTheModel_AreCutToIt() =>
        Assert.Equal<int>([1, 1, 2], StatusRules.Replicas([new BlockSpan(0, 900), new BlockSpan(2, 5)], 3));

    private static SwarmStatus Assess(params ObservedNode[] nodes) => StatusRules.Assess("s", Model, [Model], nodes);

    private static ObservedNode Node(int number, int start, int end)
    {
        byte[] id = new byte[PeerId.Length];
        id[0] = (byte)number;
        return new ObservedNode
        {
            Peer = new PeerId(id),
            Address = $"10.0.0.{number}:31330",
            State = ObservedState.Serving,
            Blocks = new BlockSpan(start, end),
            TokensPerSecond = 12.5,
            CacheTokensFree = 4096,
            Version = "0.1.0",
            RoundTrip = TimeSpan.FromMilliseconds(1.25),
            LastSeen = TimeSpan.Zero,
        };
    }
}
