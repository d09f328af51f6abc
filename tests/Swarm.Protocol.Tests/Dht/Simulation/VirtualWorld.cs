namespace Swarm.Protocol.Tests.Dht.Simulation;

/// <summary>
/// A clock and a scheduler of one thread: what happens next is the earliest event, and of two at one time the one that was planned first. Awaits inside of it come back to it, so a run
/// depends on its seed alone.
/// </summary>
internal sealed class VirtualWorld : TimeProvider
{
    private static readonly DateTimeOffset Epoch = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly PriorityQueue<Action, (long At, long Order)> _events = new();
    private readonly Queue<(SendOrPostCallback Run, object? State)> _ready = new();
    private readonly Context _context;
    private long _now;
    private long _planned;

    public VirtualWorld() => _context = new Context(this);

    /// <summary>Events that have run: a figure of the work, and with one seed always the same.</summary>
    public long Events { get; private set; }

    public TimeSpan Elapsed => TimeSpan.FromTicks(_now);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => Epoch + Elapsed;

    public override long GetTimestamp() => _now;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    public void Plan(TimeSpan after, Action run) => _events.Enqueue(run, (_now + after.Ticks, _planned++));

    /// <summary>Runs a story to its end, with all that happens meanwhile.</summary>
    public T Run<T>(Func<Task<T>> story)
    {
        SynchronizationContext? before = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(_context);
        try
        {
            Task<T> told = story();
            while (!told.IsCompleted)
            {
                while (_ready.TryDequeue(out (SendOrPostCallback Run, object? State) next))
                    next.Run(next.State);
                if (told.IsCompleted)
                    break;
                if (!_events.TryDequeue(out Action? run, out (long At, long Order) due))
                    throw new InvalidOperationException("the story waits for something that never happens");
                _now = due.At;
                Events++;
                run();
            }

            return told.GetAwaiter().GetResult();
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }
    }

    private sealed class Context(VirtualWorld world) : SynchronizationContext
    {
        public override void Post(SendOrPostCallback d, object? state) => world._ready.Enqueue((d, state));

        public override void Send(SendOrPostCallback d, object? state) => d(state);

        public override SynchronizationContext CreateCopy() => this;
    }

    private sealed class Timer(VirtualWorld world, TimerCallback callback, object? state) : ITimer
    {
        private long _version;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            long version = ++_version;
            if (dueTime != Timeout.InfiniteTimeSpan)
                world.Plan(dueTime, () => Ring(version, period));
            return true;
        }

        public void Dispose() => _version++;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }

        private void Ring(long version, TimeSpan period)
        {
            if (version != _version)
                return;
            if (period > TimeSpan.Zero)
                Change(period, period);
            callback(state);
        }
    }
}
