using Swarm.Models;
using Swarm.Node.Measurement;
using Swarm.Protocol;
using Swarm.Protocol.Directory;
using Swarm.Protocol.Transport;

namespace Swarm.Node.Hosting;

/// <summary>Keeps round trips to the nodes that sessions could go on to: a few pings now and then, beside what acknowledgements of packets tell.</summary>
/// <param name="self">Who this is.</param>
/// <param name="served">What this node serves now.</param>
/// <param name="nodes">The model's nodes as they are known now.</param>
/// <param name="ping">A round trip to a peer; null where it does not answer.</param>
/// <param name="meter">Is told.</param>
/// <param name="time">Paces the rounds.</param>
/// <param name="random">Spreads them, and chooses among many.</param>
internal sealed class LinkProbe(
    PeerId self, Func<BlockSpan> served, Func<IReadOnlyList<NodeEntry>> nodes, Func<PeerEndpoint, CancellationToken, Task<TimeSpan?>> ping, LinkMeter meter,
    TimeProvider time, IRandomSource random)
{
    private const int PingsARound = 4;
    private const double Jitter = 0.3;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    /// <summary>The nodes that a session could go on to from here: those that serve the block behind the last one here. Plain function.</summary>
    public static IReadOnlyList<NodeEntry> NextHops(IEnumerable<NodeEntry> nodes, PeerId self, BlockSpan served) =>
        served.Count < 1 ? [] : [.. nodes.Where(node => node.Peer != self && node.IsServing && node.Blocks.Contains(served.End))];

    /// <summary>Measures round after round until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                await MeasureAsync(cancellationToken);
                await Task.Delay(random.Jitter(Interval, Jitter), time, cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The node stops.
        }
    }

    /// <summary>One round: forgets who can no longer be next, measures those not measured yet and some of the others.</summary>
    public async Task MeasureAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<NodeEntry> hops = NextHops(nodes(), self, served());
        foreach ((PeerId peer, _) in meter.Snapshot())
        {
            if (hops.All(hop => hop.Peer != peer))
                meter.Forget(peer);
        }

        NodeEntry[] chosen =
        [
            .. hops.Select(hop => (Hop: hop, Known: meter.To(hop.Peer) is not null, Order: random.NextUInt64()))
                .OrderBy(hop => hop.Known).ThenBy(hop => hop.Order).Take(PingsARound).Select(hop => hop.Hop),
        ];
        foreach (NodeEntry hop in chosen)
        {
            if (await ping(new PeerEndpoint(hop.Peer, hop.Addresses), cancellationToken) is { } roundTrip)
                meter.Observe(hop.Peer, roundTrip);
        }
    }
}
