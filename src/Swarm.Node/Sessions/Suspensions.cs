using Swarm.Protocol;

namespace Swarm.Node.Sessions;

/// <summary>Sessions whose way to their client is broken: each is kept for <see cref="ChainTiming.Hold"/>, and again whenever its client says so. Looks now and then, while there are any.</summary>
internal sealed class Suspensions(TimeProvider time, Action<NodeSession> expired) : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(0.25);

    private readonly Lock _lock = new();
    private readonly List<NodeSession> _sessions = [];
    private ITimer? _timer;

    public void Add(NodeSession session)
    {
        lock (_lock)
        {
            session.SuspendedAt = time.GetTimestamp();
            _sessions.Add(session);
            _timer ??= time.CreateTimer(_ => Look(), null, Interval, Interval);
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
        }

        foreach (NodeSession session in over)
            expired(session);
    }

    private void Rest()
    {
        if (_sessions.Count > 0)
            return;
        _timer?.Dispose();
        _timer = null;
    }
}
