namespace Swarm.Protocol.Links;

/// <summary>Watches links by one timer: speaks on each every heartbeat, and ends those whose other side is given up at its very deadline. Runs only while there are any.</summary>
public sealed class LinkWatcher(TimeProvider time) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly List<IWatchedLink> _links = [];
    private ITimer? _timer;
    private TimeSpan _due;
    private TimeSpan _beat;
    private bool _disposed;

    /// <summary>The time by which links are watched.</summary>
    public TimeSpan Now => time.GetElapsedTime(0);

    /// <summary>Heartbeats sent on all links together.</summary>
    public long Beats { get; private set; }

    /// <summary>Watches a link from now on. Never calls it from here.</summary>
    public void Add(IWatchedLink link)
    {
        ArgumentNullException.ThrowIfNull(link);
        lock (_lock)
        {
            if (_disposed || _links.Contains(link))
                return;
            TimeSpan now = Now;
            link.Watch.Begin(now);
            _links.Add(link);
            if (_links.Count == 1)
            {
                _beat = now + ChainTiming.Heartbeat;
                Schedule(now, _beat);
            }
        }
    }

    /// <summary>Watches a link no more.</summary>
    public void Remove(IWatchedLink link)
    {
        lock (_lock)
            _links.Remove(link);
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            _links.Clear();
            _timer?.Dispose();
        }
    }

    private void Tick()
    {
        List<IWatchedLink> speaking = [];
        List<(IWatchedLink Link, string Reason)> over = [];
        lock (_lock)
        {
            if (_disposed || _links.Count == 0)
                return;
            TimeSpan now = Now;
            Forgive(now - _due, now);
            for (int index = _links.Count - 1; index >= 0; index--)
            {
                if (_links[index].Watch.Verdict(now) is not { } reason)
                    continue;
                over.Add((_links[index], reason));
                _links.RemoveAt(index);
            }

            if (now >= _beat)
            {
                speaking.AddRange(_links);
                Beats += _links.Count;
                _beat = now + ChainTiming.Heartbeat;
            }

            if (_links.Count > 0)
                Schedule(now, Earliest());
        }

        foreach (IWatchedLink link in speaking)
            link.Speak();
        foreach ((IWatchedLink link, string reason) in over)
            link.GiveUp(reason);
    }

    // A process that was stopped, or a machine that slept, finds all its peers silent when it goes on. What they said meanwhile is still to be read.
    private void Forgive(TimeSpan late, TimeSpan now)
    {
        if (late < ChainTiming.Heartbeat)
            return;
        foreach (IWatchedLink link in _links)
            link.Watch.Forgive(late, now);
    }

    private TimeSpan Earliest()
    {
        TimeSpan earliest = _beat;
        foreach (IWatchedLink link in _links)
        {
            TimeSpan deadline = link.Watch.Deadline;
            earliest = deadline < earliest ? deadline : earliest;
        }

        return earliest;
    }

    private void Schedule(TimeSpan now, TimeSpan due)
    {
        // Timers count in milliseconds and may be early by a part of one.
        var least = TimeSpan.FromMilliseconds(1);
        _due = due - now > least ? due : now + least;
        _timer ??= time.CreateTimer(_ => Tick(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _timer.Change(_due - now, Timeout.InfiniteTimeSpan);
    }
}
