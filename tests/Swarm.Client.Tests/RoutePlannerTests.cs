using Swarm.Models;
using Swarm.Protocol;

namespace Swarm.Client.Tests;

/// <summary>Who computes which blocks.</summary>
public sealed class RoutePlannerTests
{
    private static readonly BlockSpan All = new(0, 30);

    [Fact]
    public void Plan_OneNodeHasAll_TakesItAlone()
    {
        IReadOnlyList<ChainHop> hops = RoutePlanner.Plan([Node(1, 0, 15), Node(2, 15, 30), Node(3, 0, 30, speed: 0.1)], All, 10);

        Assert.Equal([(3, new BlockSpan(0, 30))], Summary(hops));
    }

    [Fact]
    public void Plan_Overlap_UsesSpansInPart()
    {
        IReadOnlyList<ChainHop> hops = RoutePlanner.Plan([Node(1, 0, 20, speed: 2), Node(2, 10, 30, speed: 1)], All, 10);

        // The faster one computes as much as it can.
        Assert.Equal([(1, new BlockSpan(0, 20)), (2, new BlockSpan(20, 30))], Summary(hops));
    }

    [Fact]
    public void Plan_SlowerFirst_GivesTheFasterMore()
    {
        IReadOnlyList<ChainHop> hops = RoutePlanner.Plan([Node(1, 0, 20, speed: 1), Node(2, 10, 30, speed: 2)], All, 10);

        Assert.Equal([(1, new BlockSpan(0, 10)), (2, new BlockSpan(10, 30))], Summary(hops));
    }

    [Fact]
    public void Plan_EqualNodes_TakesTheLowerIds()
    {
        IReadOnlyList<ChainHop> hops = RoutePlanner.Plan([Node(4, 15, 30), Node(2, 0, 15), Node(1, 0, 15), Node(3, 15, 30)], All, 10);

        Assert.Equal([(1, new BlockSpan(0, 15)), (3, new BlockSpan(15, 30))], Summary(hops));
    }

    [Fact]
    public void Plan_SomeBlocks_BeginsAndEndsThere()
    {
        IReadOnlyList<ChainHop> hops = RoutePlanner.Plan([Node(1, 0, 15), Node(2, 15, 30)], new BlockSpan(12, 17), 10);

        Assert.Equal([(1, new BlockSpan(12, 15)), (2, new BlockSpan(15, 17))], Summary(hops));
    }

    [Fact]
    public void Plan_Hole_NamesTheBlocks()
    {
        SwarmException fault = Assert.Throws<SwarmException>(() => RoutePlanner.Plan([Node(1, 0, 11), Node(2, 15, 30)], All, 10));

        Assert.Equal((FaultKind.NoRoute, (11, 15)), (fault.Fault, fault.Blocks));
        Assert.Contains("11:15", fault.Message);
    }

    [Fact]
    public void Plan_NobodyKnown_NamesAllBlocks() =>
        Assert.Equal((0, 30), Assert.Throws<SwarmException>(() => RoutePlanner.Plan([], All, 10)).Blocks);

    [Fact]
    public void Plan_NoRoom_IsNoCapacity()
    {
        SwarmException fault = Assert.Throws<SwarmException>(() => RoutePlanner.Plan([Node(1, 0, 15), Node(2, 15, 30, room: 9)], All, 10));

        Assert.Equal((FaultKind.NoCapacity, (15, 30)), (fault.Fault, fault.Blocks));
    }

    [Fact]
    public void Plan_NoRoomAtOne_GoesAroundIt()
    {
        IReadOnlyList<ChainHop> hops = RoutePlanner.Plan([Node(1, 0, 30, room: 9), Node(2, 0, 15), Node(3, 15, 30)], All, 10);

        Assert.Equal([2, 3], Summary(hops).Select(hop => hop.Peer));
    }

    [Fact]
    public void Plan_AnyOrderOfCandidates_GivesTheSameRoute()
    {
        RouteCandidate[] nodes = [.. Enumerable.Range(0, 12).Select(index => Node(index + 1, index * 2, Math.Min(30, index * 2 + 9), speed: 1 + index % 3))];
        var random = new SeededRandomSource(9);
        string expected = string.Join(' ', RoutePlanner.Plan(nodes, All, 10));

        for (int round = 0; round < 20; round++)
        {
            RouteCandidate[] shuffled = [.. nodes.OrderBy(_ => random.NextUInt64())];
            Assert.Equal(expected, string.Join(' ', RoutePlanner.Plan(shuffled, All, 10)));
        }
    }

    private static RouteCandidate Node(int id, int start, int end, double speed = 1, long room = 1000)
    {
        byte[] peer = new byte[PeerId.Length];
        peer[0] = (byte)id;
        return new RouteCandidate(new PeerId(peer), $"127.0.0.1:{1000 + id}", new BlockSpan(start, end), speed, room);
    }

    private static IEnumerable<(int Peer, BlockSpan Blocks)> Summary(IEnumerable<ChainHop> hops) =>
        hops.Select(hop => (Convert.FromHexString(hop.Peer!.Value.ToString())[0] + 0, hop.Blocks));
}
