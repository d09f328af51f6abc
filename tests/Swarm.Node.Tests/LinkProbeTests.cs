using Google.Protobuf;
using Swarm.Models;
using Swarm.Node.Hosting;
using Swarm.Node.Measurement;
using Swarm.Protocol;
using Swarm.Protocol.Directory;
using Swarm.Protocol.Transport;
using Swarm.Testing;

namespace Swarm.Node.Tests;

/// <summary>Whom a node measures its way to.</summary>
public sealed class LinkProbeTests
{
    private static readonly BlockSpan Served = new(4, 8);
    private readonly LinkMeter _meter = new();
    private readonly List<PeerId> _pinged = [];
    private List<NodeEntry> _nodes = [];

    [Fact]
    public void NextHops_OfManyNodes_ThoseThatServeTheNextBlock()
    {
        NodeEntry[] nodes =
        [
            Node(0, 4, 8), Node(1, 8, 12), Node(2, 6, 9), Node(3, 0, 8), Node(4, 9, 12), Node(5, 8, 10, NodeState.Leaving), Node(6, 8, 10, NodeState.Paused), Node(7, 0, 12),
        ];

        Assert.Equal([1, 2, 7], LinkProbe.NextHops(nodes, Peer(0), Served).Select(node => NumberOf(node.Peer)));
        Assert.Empty(LinkProbe.NextHops(nodes, Peer(0), new BlockSpan(8, 12)));
        Assert.Empty(LinkProbe.NextHops(nodes, Peer(0), default));
    }

    [Fact]
    public async Task MeasureAsync_RoundAfterRound_ReachesEverybodyAndForgetsWhoLeft()
    {
        _nodes = [.. Enumerable.Range(1, 6).Select(number => Node((byte)number, 8, 12))];
        var probe = new LinkProbe(Peer(0), () => Served, () => _nodes, PingAsync, _meter, new ManualTime(), new SeededRandomSource(5));

        await probe.MeasureAsync(CancellationToken.None);
        Assert.Equal(4, _pinged.Count);
        await probe.MeasureAsync(CancellationToken.None);
        // The fifth does not answer.
        Assert.Equal(6, _pinged.Distinct().Count());
        Assert.Equal([1, 2, 3, 4, 6], _meter.Snapshot().Select(link => NumberOf(link.Peer)));

        _nodes.RemoveRange(0, 3);
        await probe.MeasureAsync(CancellationToken.None);
        Assert.Equal([4, 6], _meter.Snapshot().Select(link => NumberOf(link.Peer)));
    }

    private static NodeEntry Node(byte number, int first, int end, NodeState state = NodeState.Serving) => new()
    {
        Peer = Peer(number),
        Addresses = [new PeerAddress("127.0.0.1", 1 + number)],
        ModelIdentity = ByteString.Empty,
        ModelBlocks = 12,
        State = state,
        Blocks = new BlockRange(first, end),
    };

    private static PeerId Peer(byte number)
    {
        byte[] bytes = new byte[PeerId.Length];
        bytes[0] = number;
        return new PeerId(bytes);
    }

    private static int NumberOf(PeerId peer) => peer.ToByteString()[0];

    private Task<TimeSpan?> PingAsync(PeerEndpoint endpoint, CancellationToken cancellationToken)
    {
        _pinged.Add(endpoint.Peer);
        return Task.FromResult<TimeSpan?>(NumberOf(endpoint.Peer) == 5 ? null : TimeSpan.FromMilliseconds(3));
    }
}
