namespace Swarm.Protocol.Links;

/// <summary>
/// Tells a peer that is gone or stalled from one that is slow, by what one link brings. Any frame shows that the peer lives; a device that stands still with work
/// before it shows that it does not work. Times are those since one fixed moment. Rules only; thread-safe.
/// </summary>
/// <param name="silence">The silence that ends the link. None: it goes by the longest time between two advances of the peer's device, within bounds.</param>
public sealed class LinkWatch(TimeSpan? silence = null)
{
    // So many of its longest steps a peer may take for one.
    private const int Steps = 20;

    private readonly Lock _lock = new();
    private TimeSpan _heard;
    private TimeSpan _moved;
    private TimeSpan? _longest;
    private ulong _units;
    private bool _hasWork;

    /// <summary>When the peer is given up, if nothing comes until then.</summary>
    public TimeSpan Deadline
    {
        get
        {
            lock (_lock)
                return (_hasWork && _moved < _heard ? _moved : _heard) + Limit;
        }
    }

    private TimeSpan Limit
    {
        get
        {
            if (silence is { } fixedLimit)
                return fixedLimit;
            TimeSpan adapted = _longest * Steps ?? ChainTiming.Stall;
            return adapted < ChainTiming.ShortestStall ? ChainTiming.ShortestStall : adapted > ChainTiming.Stall ? ChainTiming.Stall : adapted;
        }
    }

    /// <summary>The link has sessions from now on; what was before says nothing.</summary>
    public void Begin(TimeSpan now)
    {
        lock (_lock)
        {
            _heard = now;
            _moved = now;
            _hasWork = false;
        }
    }

    /// <summary>A frame came.</summary>
    public void Heard(TimeSpan now)
    {
        lock (_lock)
            _heard = now;
    }

    /// <summary>The peer said how far its device is.</summary>
    public void Progress(ulong units, bool hasWork, TimeSpan now)
    {
        lock (_lock)
        {
            if (units != _units && _hasWork)
            {
                // That it moved between two messages says no more than that a step takes less than the time between them.
                TimeSpan stood = now - _moved - ChainTiming.Heartbeat;
                stood = stood > TimeSpan.Zero ? stood : TimeSpan.Zero;
                _longest = _longest > stood ? _longest : stood;
            }

            if (units != _units || !hasWork || !_hasWork)
                _moved = now;
            _units = units;
            _hasWork = hasWork;
            _heard = now;
        }
    }

    /// <summary>This side did not run for so long: what it did not hear meanwhile is not the peer's fault.</summary>
    public void Forgive(TimeSpan absence, TimeSpan now)
    {
        lock (_lock)
        {
            _heard = _heard + absence < now ? _heard + absence : now;
            _moved = _moved + absence < now ? _moved + absence : now;
        }
    }

    /// <summary>Why the peer is given up; null while it is not.</summary>
    public string? Verdict(TimeSpan now)
    {
        lock (_lock)
        {
            if (now - _heard >= Limit)
                return $"nothing heard for {(now - _heard).TotalSeconds:0.0} s";
            return _hasWork && now - _moved >= Limit ? $"its device stands still for {(now - _moved).TotalSeconds:0.0} s with steps before it" : null;
        }
    }
}
