namespace Swarm.Testing;

/// <summary>A clock that moves when it is told to; its timers run in the thread that moves it, in the order in which they are due.</summary>
public sealed class ManualTime : TimeProvider
{
    private readonly Lock _gate = new();
    private readonly List<Timer> _timers = [];
    private readonly DateTimeOffset _start;
    private DateTimeOffset _now;
    private long _created;

    public ManualTime(DateTimeOffset? start = null)
    {
        _start = start ?? new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);
        _now = _start;
    }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>When the next timer is due, or null.</summary>
    public DateTimeOffset? NextDue
    {
        get
        {
            lock (_gate)
                return Next()?.Due;
        }
    }

    public override DateTimeOffset GetUtcNow()
    {
        lock (_gate)
            return _now;
    }

    public override long GetTimestamp()
    {
        lock (_gate)
            return (_now - _start).Ticks;
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);
        var timer = new Timer(this, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Moves on. Each timer that becomes due runs at its own time, so that what it starts meanwhile is seen too.</summary>
    public void Advance(TimeSpan time)
    {
        DateTimeOffset end = GetUtcNow() + time;
        while (true)
        {
            Timer? due;
            lock (_gate)
            {
                due = Next();
                if (due is null || due.Due > end)
                {
                    _now = end;
                    return;
                }

                if (due.Due > _now)
                    _now = due.Due.Value;
                due.Schedule(due.Period is { } period ? _now + period : null, _created++);
            }

            due.Run();
        }
    }

    private Timer? Next()
    {
        Timer? next = null;
        foreach (Timer timer in _timers)
        {
            if (timer.Due is not null && (next is null || timer.Due < next.Due || (timer.Due == next.Due && timer.Order < next.Order)))
                next = timer;
        }

        return next;
    }

    private sealed class Timer(ManualTime owner, Action run) : ITimer
    {
        public DateTimeOffset? Due { get; private set; }

        public TimeSpan? Period { get; private set; }

        public long Order { get; private set; }

        public void Run() => run();

        public void Schedule(DateTimeOffset? due, long order) => (Due, Order) = (due, order);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (owner._gate)
            {
                Period = period > TimeSpan.Zero ? period : null;
                Schedule(dueTime == Timeout.InfiniteTimeSpan ? null : owner._now + dueTime, owner._created++);
                if (!owner._timers.Contains(this))
                    owner._timers.Add(this);
            }

            return true;
        }

        public void Dispose()
        {
            lock (owner._gate)
                owner._timers.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }
    }
}
