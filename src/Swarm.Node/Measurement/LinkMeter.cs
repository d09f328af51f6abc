using Swarm.Protocol;

namespace Swarm.Node.Measurement;

/// <summary>
/// Round-trip times to other nodes: those that sessions go on to and those that they could. From pings and from acknowledgements of packets. The lowest of late is closest to the
/// way itself, so a shorter time counts at once and a longer one little by little. Bounded: whoever was measured longest ago is forgotten. Rules only; safe to use from several threads.
/// </summary>
public sealed class LinkMeter
{
    /// <summary>Most peers that are remembered.</summary>
    public const int MostPeers = 64;

    private const double Weight = 0.1;

    private readonly Lock _lock = new();
    private readonly SortedDictionary<PeerId, (TimeSpan RoundTrip, long Turn)> _peers = [];
    private long _turn;

    /// <summary>A measured round trip.</summary>
    public void Observe(PeerId peer, TimeSpan roundTrip)
    {
        if (roundTrip <= TimeSpan.Zero)
            return;
        lock (_lock)
        {
            if (_peers.TryGetValue(peer, out (TimeSpan RoundTrip, long Turn) known) && roundTrip > known.RoundTrip)
                roundTrip = known.RoundTrip + Weight * (roundTrip - known.RoundTrip);
            _peers[peer] = (roundTrip, ++_turn);
            if (_peers.Count > MostPeers)
                _peers.Remove(_peers.MinBy(entry => entry.Value.Turn).Key);
        }
    }

    /// <summary>Forgets a peer.</summary>
    public void Forget(PeerId peer)
    {
        lock (_lock)
            _peers.Remove(peer);
    }

    /// <summary>Round trip to a peer; null when it was not measured.</summary>
    public TimeSpan? To(PeerId peer)
    {
        lock (_lock)
            return _peers.TryGetValue(peer, out (TimeSpan RoundTrip, long Turn) known) ? known.RoundTrip : null;
    }

    /// <summary>All round trips, in the order of the peers.</summary>
    public IReadOnlyList<(PeerId Peer, TimeSpan RoundTrip)> Snapshot()
    {
        lock (_lock)
            return [.. _peers.Select(entry => (entry.Key, entry.Value.RoundTrip))];
    }
}
