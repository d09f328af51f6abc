using System.Collections.Concurrent;

namespace Swarm.Protocol.Transport;

/// <summary>The lanes that this side dials: how many there may be, and to whom none leads.</summary>
internal sealed class LaneCaller(PeerDialler dialler, TransportOptions options)
{
    // A peer without lanes may be another program by the next look.
    private static readonly TimeSpan Remembered = TimeSpan.FromMinutes(1);
    private const int MostRemembered = 4096;

    private readonly ConcurrentDictionary<string, long> _without = new(StringComparer.Ordinal);
    private int _open;
    private long _calls;

    /// <summary>Calls that went by a lane.</summary>
    public long Calls => Interlocked.Read(ref _calls);

    public TransportOptions Options => options;

    /// <summary>Takes a place for a lane to an endpoint; false: the call goes by HTTP/2.</summary>
    public bool TryEnter(EndpointName endpoint)
    {
        if (_without.TryGetValue(endpoint.Host, out long since))
        {
            if (options.TimeProvider.GetElapsedTime(since) < Remembered)
                return false;
            _without.TryRemove(endpoint.Host, out _);
        }

        if (Interlocked.Increment(ref _open) <= options.MaxLanes)
            return true;
        Leave();
        return false;
    }

    /// <summary>The place is free again.</summary>
    public void Leave() => Interlocked.Decrement(ref _open);

    /// <summary>Dials in the calling thread.</summary>
    /// <returns>The connection; null: whoever is there knows no lanes.</returns>
    /// <exception cref="TransportException">Nobody was reached; tells the last address's failure.</exception>
    public PeerStream? Dial(EndpointName endpoint, CancellationToken cancellationToken)
    {
        PeerStream stream = dialler.DialLane(endpoint.Endpoint, endpoint.Host, cancellationToken);
        if (stream.NegotiatedApplicationProtocol == TlsSettings.Lane)
        {
            Interlocked.Increment(ref _calls);
            TransportMeter.BeganCall("lane");
            return stream;
        }

        stream.Dispose();
        if (_without.Count >= MostRemembered)
            _without.Clear();
        _without[endpoint.Host] = options.TimeProvider.GetTimestamp();
        return null;
    }
}
