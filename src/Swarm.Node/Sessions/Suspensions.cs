using Swarm.Protocol;

namespace Swarm.Node.Sessions;

/// <summary>Sessions whose way to their client is broken: each is kept for <see cref="ChainTiming.Hold"/>, and again whenever its client says so. One timer, while there are any.</summary>
internal sealed class Suspensions(TimeProvider time, Action<NodeSession> expired) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly List<NodeSession> _sessions = [];
    private ITimer? _timer;

    public void Add(NodeSession session)
    {
        lock (_lock)
        {
            session.SuspendedAt = time.GetTimestamp();
            _sessions.Add(session);
            if (_sessions.Count == 1)
                LookIn(ChainTiming.Hold);
        }
    }

    public void Remove(NodeSession session)
    {
        lock (_lock)
        {
            if (_sessions.Remove(session))
                Rest();
        }
    }

    /// <summary>The client wants the session kept.</summary>
    public void Keep(NodeSession session)
    {
        lock (_lock)
            session.SuspendedAt = time.GetTimestamp();
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _sessions.Clear();
            Rest();
        }
    }

    private void Look()
    {
        List<NodeSession> over = [];
        lock (_lock)
        {
            foreach (NodeSession session in _sessions)
            {
                if (time.GetElapsedTime(session.SuspendedAt) >= ChainTiming.Hold)
                    over.Add(session);
            }

            _sessions.RemoveAll(over.Contains);
            Rest();
            if (_sessions.Count > 0)
                LookIn(_sessions.Min(session => ChainTiming.Hold - time.GetElapsedTime(session.SuspendedAt)));
        }

        foreach (NodeSession session in over)
            expired(session);
    }

    // Timers count in milliseconds and may be early by a part of one.
    private void LookIn(TimeSpan wait)
    {
        var least = TimeSpan.FromMilliseconds(1);
        _timer ??= time.CreateTimer(_ => Look(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _timer.Change(wait > least ? wait : least, Timeout.InfiniteTimeSpan);
    }

    private void Rest()
    {
        if (_sessions.Count > 0)
            return;
        _timer?.Dispose();
        _timer = null;
    }
}
