using Swarm.Models;
using Swarm.Protocol;
using Swarm.Protocol.Directory;

namespace Swarm.Client.Tests;

/// <summary>Who computes which blocks.</summary>
public sealed class RoutePlannerTests
{
    private static readonly BlockSpan All = new(0, 30);

    [Fact]
    public void Plan_OneNodeHasAll_TakesItAlone()
    {
        IReadOnlyList<ChainHop> hops = RoutePlanner.Plan([Node(1, 0, 15), Node(2, 15, 30), Node(3, 0, 30, speed: 0.95)], All, 10);

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

    [Fact]
    public void Plan_OneNodeHasAllButIsSlow_GoesOverTwo()
    {
        IReadOnlyList<ChainHop> hops = RoutePlanner.Plan([Node(1, 0, 15), Node(2, 15, 30), Node(3, 0, 30, speed: 0.1)], All, 10);

        Assert.Equal([1, 2], Summary(hops).Select(hop => hop.Peer));
    }

    [Fact]
    public void Plan_MeasuredLinks_TakesTheNearerNeighbour()
    {
        RouteCandidate first = Node(1, 0, 15) with { Links = [new LinkMeasurement(Peer(3), TimeSpan.FromMilliseconds(4)), new LinkMeasurement(Peer(2), TimeSpan.FromMilliseconds(300))] };

        Assert.Equal([1, 3], Summary(RoutePlanner.Plan([first, Node(2, 15, 30), Node(3, 15, 30, speed: 0.9)], All, 10)).Select(hop => hop.Peer));
    }

    [Fact]
    public void Plan_ALongQueue_GoesElsewhere()
    {
        RouteCandidate busy = Node(1, 0, 30) with { QueueTime = TimeSpan.FromMilliseconds(100) };

        Assert.Equal([2], Summary(RoutePlanner.Plan([busy, Node(2, 0, 30, speed: 0.8)], All, 10)).Select(hop => hop.Peer));
    }

    [Fact]
    public void Plan_AFarNode_GoesToTheNearOne()
    {
        RouteCandidate far = Node(1, 0, 30) with { RoundTrip = TimeSpan.FromMilliseconds(280) };
        RouteCandidate near = Node(2, 0, 30, speed: 0.8) with { RoundTrip = TimeSpan.FromMilliseconds(2) };

        Assert.Equal([2], Summary(RoutePlanner.Plan([far, near], All, 10)).Select(hop => hop.Peer));
    }

    [Fact]
    public void Plan_AFastNodeWithinASlowOnesSpan_NeverUsesANodeTwice()
    {
        // Leaving the slow one for the fast one and coming back would be the shortest.
        RouteCandidate slow = Node(1, 0, 30) with { Links = [new LinkMeasurement(Peer(2), TimeSpan.FromMilliseconds(1))] };
        RouteCandidate fast = Node(2, 10, 20, speed: 100);

        IReadOnlyList<ChainHop> hops = RoutePlanner.Plan([slow, fast, Node(3, 0, 10, speed: 0.5)], All, 10);

        Assert.Equal(hops.Count, hops.Select(hop => hop.Peer).Distinct().Count());
        Assert.Equal([(1, All)], Summary(hops));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Plan_RandomSmallSwarms_IsAsFastAsTheBestOfAllRoutes(ulong seed)
    {
        var random = new SeededRandomSource(seed);
        var blocks = new BlockSpan(0, 6);
        int routed = 0;
        for (int round = 0; round < 500; round++)
        {
            RouteCandidate[] nodes = [.. Enumerable.Range(1, 2 + (int)(random.NextUInt64() % 5)).Select(id => RandomNode(id, blocks.End, random))];
            TimeSpan? best = Best(nodes, [], blocks.Start, blocks);
            if (best is null)
            {
                Assert.Equal(FaultKind.NoRoute, Assert.Throws<SwarmException>(() => RoutePlanner.Plan(nodes, blocks, 1)).Fault);
                continue;
            }

            routed++;
            IReadOnlyList<ChainHop> hops = RoutePlanner.Plan(nodes, blocks, 1);
            Check(hops, nodes, blocks);
            Assert.Equal(hops.Count, hops.Select(hop => hop.Peer).Distinct().Count());
            Assert.True(RoutePlanner.ExpectedTime(nodes, hops) == best, $"seed {seed} round {round}: {RoutePlanner.ExpectedTime(nodes, hops)} over {string.Join(' ', hops)}, the best takes {best}");
        }

        Assert.InRange(routed, 100, 500);
    }

    [Fact]
    public void Plan_EverybodyHasABadLinkToTheBest_ComesFromTheBestOfTheRest()
    {
        var random = new SeededRandomSource(5);
        // The best is ahead by less than a link, so a third hop never pays and all routes of two are all that matter.
        RouteCandidate[] nodes =
        [
            Node(1, 0, 15, speed: 2.2),
            .. Enumerable.Range(2, 99).Select(id => Node(id, 0, 15, speed: 1 + random.NextDouble())),
            .. Enumerable.Range(101, 100).Select(id => Node(id, 15, 30, speed: 1 + random.NextDouble()) with { Links = [new LinkMeasurement(Peer(1), TimeSpan.FromSeconds(1 + random.NextDouble()))] }),
        ];
        TimeSpan best = nodes.Take(100).SelectMany(first => nodes.Skip(100).Select(second => RoutePlanner.ExpectedTime(
            [first, second], [new ChainHop(first.Peer, "", first.Blocks), new ChainHop(second.Peer, "", second.Blocks)]))).Min();

        Assert.Equal(best, RoutePlanner.ExpectedTime(nodes, RoutePlanner.Plan(nodes, All, 10)));
    }

    [Fact]
    public void Plan_Throughput_SpreadsOverEqualNodesAndAvoidsTheWeak()
    {
        RouteCandidate[] nodes =
        [
            Node(1, 0, 15), Node(2, 0, 15), Node(3, 0, 15, speed: 2), Node(4, 15, 30), Node(5, 15, 30), Node(6, 15, 30) with { Sessions = 9 }, Node(7, 0, 30, speed: 0.1),
        ];
        var random = new SeededRandomSource(7);
        var counts = new int[8];
        for (int session = 0; session < 4000; session++)
        {
            IReadOnlyList<ChainHop> hops = RoutePlanner.Plan(nodes, All, 10, RouteMode.Throughput, random);
            Check(hops, nodes, All);
            foreach ((int peer, _) in Summary(hops))
                counts[peer]++;
        }

        Assert.Equal((0, 0), (counts[6], counts[7]));
        Assert.All([(1, 1000), (2, 1000), (3, 2000), (4, 2000), (5, 2000)], expected => Assert.InRange(counts[expected.Item1], expected.Item2 * 0.9, expected.Item2 * 1.1));
    }

    [Fact]
    public void Plan_ThroughputWithTheSameNumbers_GivesTheSameRouteWhateverTheOrder()
    {
        RouteCandidate[] nodes = [.. Enumerable.Range(0, 12).Select(index => Node(index + 1, index * 2, Math.Min(30, index * 2 + 9), speed: 1 + index % 3))];
        for (ulong seed = 0; seed < 20; seed++)
        {
            var shuffle = new SeededRandomSource(seed + 1000);
            RouteCandidate[] shuffled = [.. nodes.OrderBy(_ => shuffle.NextUInt64())];

            Assert.Equal(
                RoutePlanner.Plan(nodes, All, 10, RouteMode.Throughput, new SeededRandomSource(seed)),
                RoutePlanner.Plan(shuffled, All, 10, RouteMode.Throughput, new SeededRandomSource(seed)));
        }
    }

    [Fact]
    public void Plan_AbsurdFigures_AreBounded()
    {
        RouteCandidate absurd = Node(1, 0, 30) with { BlockTime = TimeSpan.MaxValue, QueueTime = TimeSpan.MinValue, RoundTrip = TimeSpan.MaxValue, Sessions = -5 };

        Assert.Single(RoutePlanner.Plan([absurd], All, 10));
        Assert.Single(RoutePlanner.Plan([absurd], All, 10, RouteMode.Throughput, new SeededRandomSource(1)));
    }

    // The least time over all simple routes, by trying them all.
    private static TimeSpan? Best(RouteCandidate[] nodes, IReadOnlyList<ChainHop> hops, int from, BlockSpan blocks)
    {
        if (from == blocks.End)
            return RoutePlanner.ExpectedTime(nodes, hops);
        TimeSpan? best = null;
        foreach (RouteCandidate node in nodes.Where(node => node.Blocks.Contains(from) && hops.All(hop => hop.Peer != node.Peer)))
        {
            for (int end = from + 1; end <= Math.Min(node.Blocks.End, blocks.End); end++)
            {
                TimeSpan? time = Best(nodes, [.. hops, new ChainHop(node.Peer, node.Address, new BlockSpan(from, end))], end, blocks);
                best = best is null || time < best ? time ?? best : best;
            }
        }

        return best;
    }

    private static RouteCandidate RandomNode(int id, int blocks, SeededRandomSource random)
    {
        int start = (int)(random.NextUInt64() % (ulong)blocks);
        int end = start + 1 + (int)(random.NextUInt64() % (ulong)(blocks - start));
        return new RouteCandidate(Peer(id), "127.0.0.1:1", new BlockSpan(start, end))
        {
            BlockTime = TimeSpan.FromMilliseconds((int)(random.NextUInt64() % 4) * 10),
            QueueTime = TimeSpan.FromMilliseconds((int)(random.NextUInt64() % 3) * 5),
            RoundTrip = random.NextUInt64() % 2 == 0 ? null : TimeSpan.FromMilliseconds(random.NextUInt64() % 100),
            Links = [.. Enumerable.Range(1, 6).Where(_ => random.NextUInt64() % 3 == 0).Select(other => new LinkMeasurement(Peer(other), TimeSpan.FromMilliseconds(random.NextUInt64() % 100)))],
        };
    }

    // Hops follow each other, cover the blocks, and each serves what it is to compute.
    private static void Check(IReadOnlyList<ChainHop> hops, RouteCandidate[] nodes, BlockSpan blocks)
    {
        Assert.Equal((blocks.Start, blocks.End), (hops[0].Blocks.Start, hops[^1].Blocks.End));
        Assert.All(hops.Skip(1).Zip(hops), pair => Assert.Equal(pair.Second.Blocks.End, pair.First.Blocks.Start));
        foreach (ChainHop hop in hops)
        {
            BlockSpan served = nodes.Single(node => node.Peer == hop.Peer).Blocks;
            Assert.True(hop.Blocks.Count > 0 && served.Start <= hop.Blocks.Start && hop.Blocks.End <= served.End, $"{hop} of {served}");
        }
    }

    private static PeerId Peer(int id)
    {
        byte[] peer = new byte[PeerId.Length];
        peer[0] = (byte)id;
        return new PeerId(peer);
    }

    private static RouteCandidate Node(int id, int start, int end, double speed = 1, long room = 1000)
    {
        return new RouteCandidate(Peer(id), $"127.0.0.1:{1000 + id}", new BlockSpan(start, end))
        {
            BlockTime = TimeSpan.FromMilliseconds(10 / speed), CacheTokensFree = room,
        };
    }

    private static IEnumerable<(int Peer, BlockSpan Blocks)> Summary(IEnumerable<ChainHop> hops) =>
        hops.Select(hop => (Convert.FromHexString(hop.Peer!.Value.ToString())[0] + 0, hop.Blocks));
}
