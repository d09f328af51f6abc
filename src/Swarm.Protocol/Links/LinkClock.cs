namespace Swarm.Protocol.Links;

/// <summary>
/// Measures the way to a peer by one clock: the time from handing a packet over to its acknowledgement, less half the shortest such time of the link,
/// which stands for the acknowledgement's way back. Acknowledgements come in the order of the packets of a session; one may be for several. Thread-safe.
/// </summary>
public sealed class LinkClock(TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(SessionId, ulong), long> _sent = [];
    private TimeSpan _shortest = TimeSpan.MaxValue;

    /// <summary>A packet was handed over.</summary>
    public void Sent(SessionId session, ulong number)
    {
        lock (_lock)
            _sent[(session, number)] = time.GetTimestamp();
    }

    /// <summary>The shortest time from handing a packet over to its acknowledgement: the round trip of the way itself; null before the first.</summary>
    public TimeSpan? Shortest
    {
        get
        {
            lock (_lock)
                return _shortest < TimeSpan.MaxValue ? _shortest : null;
        }
    }

    /// <summary>It has arrived, and so many right before it. Returns the time that their ways took together, each as long as the last one's; zero for an unknown packet.</summary>
    public TimeSpan Acknowledged(SessionId session, ulong number, uint before = 0)
    {
        lock (_lock)
        {
            if (!_sent.Remove((session, number), out long sent))
                return TimeSpan.Zero;
            int packets = 1;
            for (ulong back = 1; back <= Math.Min(number, Math.Min(before, ChainLimits.MaxUnacknowledgedSteps)); back++)
                packets += _sent.Remove((session, number - back)) ? 1 : 0;
            TimeSpan elapsed = time.GetElapsedTime(sent);
            _shortest = elapsed < _shortest ? elapsed : _shortest;
            return packets * (elapsed - _shortest / 2);
        }
    }

    /// <summary>Forgets a session's packets.</summary>
    public void Forget(SessionId session)
    {
        lock (_lock)
        {
            List<(SessionId, ulong)>? gone = null;
            foreach ((SessionId Session, ulong Number) key in _sent.Keys)
            {
                if (key.Session == session)
                    (gone ??= []).Add(key);
            }

            foreach ((SessionId, ulong) key in gone ?? [])
                _sent.Remove(key);
        }
    }
}
