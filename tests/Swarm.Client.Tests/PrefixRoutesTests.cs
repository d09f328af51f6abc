using Google.Protobuf;
using Swarm.Models;
using Swarm.Protocol;

namespace Swarm.Client.Tests;

public sealed class PrefixRoutesTests
{
    private static readonly ByteString Beginning = ByteString.CopyFromUtf8("a beginning");
    private static readonly BlockSpan All = new(0, 4);

    [Fact]
    public void Choose_WayThatIsStillThere_IsTakenAgainUnlessItGotMuchSlower()
    {
        var routes = new PrefixRoutes();
        RouteCandidate best = Node(1, 10);
        RouteCandidate near = Node(2, 14);
        RouteCandidate slow = Node(2, 30);
        RouteCandidate full = near with { CacheTokensFree = 99 };
        RouteCandidate moved = near with { Blocks = new BlockSpan(0, 3) };
        routes.Note(Beginning, Route(2));

        Assert.Equal(2, Chosen([best, near], Beginning));
        Assert.Equal(1, Chosen([best, slow], Beginning));
        Assert.Equal(1, Chosen([best, full], Beginning));
        Assert.Equal(1, Chosen([best, moved], Beginning));
        Assert.Equal(1, Chosen([best], Beginning));
        Assert.Equal(1, Chosen([best, near], ByteString.CopyFromUtf8("another")));

        int Chosen(RouteCandidate[] candidates, ByteString beginning) => routes.Choose(beginning, candidates, Route(1), 100)[0].Peer == Peer(1) ? 1 : 2;
    }

    [Fact]
    public void Note_ManyBeginnings_TheFirstAreForgotten()
    {
        var routes = new PrefixRoutes();
        RouteCandidate[] candidates = [Node(1, 10), Node(2, 10)];
        for (int index = 0; index < 65; index++)
            routes.Note(ByteString.CopyFromUtf8($"{index}"), Route(2));

        Assert.Equal(Peer(1), routes.Choose(ByteString.CopyFromUtf8("0"), candidates, Route(1), 0)[0].Peer);
        Assert.Equal(Peer(2), routes.Choose(ByteString.CopyFromUtf8("1"), candidates, Route(1), 0)[0].Peer);
    }

    private static RouteCandidate Node(byte number, int milliseconds) => new(Peer(number), "127.0.0.1:1", All)
    {
        BlockTime = TimeSpan.FromMilliseconds(milliseconds), RoundTrip = TimeSpan.Zero, CacheTokensFree = 100,
    };

    private static ChainHop[] Route(byte number) => [new ChainHop(Peer(number), "127.0.0.1:1", All)];

    private static PeerId Peer(byte value) => new([.. Enumerable.Repeat(value, PeerId.Length)]);
}
