namespace Swarm.Simulation;

/// <summary>
/// One process of a <see cref="VirtualWorld"/>: what it awaits, its timers and what reaches it run under its own context, so that it can stand still or end between any two of them. It is
/// also its clock, which may be off.
/// </summary>
public sealed class VirtualProcess : TimeProvider
{
    private readonly VirtualWorld _world;
    private readonly Queue<(SendOrPostCallback Callback, object? State)> _deferred = new();
    private bool _frozen;

    public VirtualProcess(VirtualWorld world, string name)
    {
        _world = world;
        Name = name;
        Context = new ProcessContext(this);
    }

    public string Name { get; }

    /// <summary>How far its date is off.</summary>
    public TimeSpan Skew { get; init; }

    /// <summary>How fast its clock goes; 1 is right.</summary>
    public double Rate { get; init; } = 1;

    /// <summary>Nothing of it happens any more.</summary>
    public bool IsEnded { get; private set; }

    public bool IsFrozen => _frozen;

    /// <summary>What awaits in it come back to.</summary>
    internal SynchronizationContext Context { get; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => VirtualWorld.Epoch + Skew + TimeSpan.FromTicks(GetTimestamp());

    public override long GetTimestamp() => Rate == 1 ? _world.GetTimestamp() : (long)(_world.GetTimestamp() * Rate);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);
        var timer = new Timer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Runs something in this process, and ends when it does. What ends with the process never ends.</summary>
    public Task<T> StartAsync<T>(Func<Task<T>> story)
    {
        ArgumentNullException.ThrowIfNull(story);
        var told = new TaskCompletionSource<T>();
        _world.Post(this, static state =>
        {
            (Func<Task<T>> run, TaskCompletionSource<T> source) = ((Func<Task<T>>, TaskCompletionSource<T>))state!;
            _ = TellAsync(run, source);
        }, (story, told));
        return told.Task;
    }

    /// <summary>Lets something happen in this process later.</summary>
    public void Plan(TimeSpan after, Action run) => _world.Plan(after, this, run);

    /// <summary>Stops the process where it is; its clock goes on.</summary>
    public void Freeze() => _frozen = true;

    /// <summary>Lets it go on with all that has come meanwhile.</summary>
    public void Thaw()
    {
        _frozen = false;
        while (_deferred.TryDequeue(out (SendOrPostCallback Callback, object? State) next))
            _world.Post(this, next.Callback, next.State);
    }

    /// <summary>Ends it at once: no code of it runs any more, not even what cleans up.</summary>
    public void End()
    {
        IsEnded = true;
        _deferred.Clear();
    }

    internal void Run(SendOrPostCallback callback, object? state)
    {
        if (IsEnded)
            return;
        if (_frozen)
        {
            _deferred.Enqueue((callback, state));
            return;
        }

        SynchronizationContext.SetSynchronizationContext(Context);
        callback(state);
    }

    // A world's time that is not before this clock's.
    private TimeSpan ToWorld(TimeSpan own) => Rate == 1 ? own : TimeSpan.FromTicks((long)Math.Ceiling(own.Ticks / Rate) + 1);

    private static async Task TellAsync<T>(Func<Task<T>> run, TaskCompletionSource<T> source)
    {
        try
        {
            source.SetResult(await run());
        }
        catch (Exception exception)
        {
            source.SetException(exception);
        }
    }

    private sealed class ProcessContext(VirtualProcess process) : SynchronizationContext
    {
        public override void Post(SendOrPostCallback d, object? state) => process._world.Post(process, d, state);

        public override void Send(SendOrPostCallback d, object? state) => d(state);

        public override SynchronizationContext CreateCopy() => this;
    }

    private sealed class Timer(VirtualProcess process, TimerCallback callback, object? state) : ITimer
    {
        private long _version;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            long version = ++_version;
            if (dueTime != Timeout.InfiniteTimeSpan)
                process.Plan(process.ToWorld(dueTime), () => Ring(version, period));
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
