namespace Swarm.Simulation;

/// <summary>
/// A clock and a scheduler of one thread: what happens next is the earliest event, and of two at one time the one that was planned first. Awaits inside of it come back to it, so a run
/// depends on its seed alone. Whatever comes from another thread ends the run: a seed could not reproduce it.
/// </summary>
public sealed class VirtualWorld : TimeProvider
{
    internal static readonly DateTimeOffset Epoch = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly PriorityQueue<Planned, (long At, long Order)> _events = new();
    private readonly Queue<Ready> _ready = new();
    private readonly VirtualProcess _self;
    private Thread? _thread;
    private string? _broken;
    private long _now;
    private long _planned;

    public VirtualWorld() => _self = new VirtualProcess(this, "world");

    /// <summary>Events that have run: a figure of the work, and with one seed always the same.</summary>
    public long Events { get; private set; }

    public TimeSpan Elapsed => TimeSpan.FromTicks(_now);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => Epoch + Elapsed;

    public override long GetTimestamp() => _now;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => _self.CreateTimer(callback, state, dueTime, period);

    /// <summary>Lets something happen later, whatever becomes of the processes.</summary>
    public void Plan(TimeSpan after, Action run) => Plan(after, _self, run);

    /// <summary>Runs a story to its end, with all that happens meanwhile.</summary>
    /// <exception cref="InvalidOperationException">It waits for something that never happens, or something came from another thread.</exception>
    public T Run<T>(Func<Task<T>> story)
    {
        SynchronizationContext? before = SynchronizationContext.Current;
        _thread = Thread.CurrentThread;
        SynchronizationContext.SetSynchronizationContext(_self.Context);
        try
        {
            Task<T> told = story();
            while (!told.IsCompleted)
            {
                while (_ready.TryDequeue(out Ready next))
                    next.Process.Run(next.Callback, next.State);
                if (Volatile.Read(ref _broken) is { } broken)
                    throw new InvalidOperationException(broken);
                if (told.IsCompleted)
                    break;
                if (!_events.TryDequeue(out Planned due, out (long At, long Order) when))
                    throw new InvalidOperationException("the story waits for something that never happens");
                _now = when.At;
                Events++;
                due.Process.Run(static run => ((Action)run!)(), due.Run);
            }

            return told.GetAwaiter().GetResult();
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }
    }

    /// <summary>What fails in it ends the run.</summary>
    internal void Watch(Task task)
    {
        if (!task.IsCompletedSuccessfully)
            _ = WatchAsync(task);
    }

    private async Task WatchAsync(Task task)
    {
        try
        {
            await task;
        }
        catch (Exception exception)
        {
            Interlocked.CompareExchange(ref _broken, exception.ToString(), null);
        }
    }

    internal void Plan(TimeSpan after, VirtualProcess process, Action run)
    {
        if (IsHere())
            _events.Enqueue(new Planned(process, run), (_now + Math.Max(0, after.Ticks), _planned++));
    }

    internal void Post(VirtualProcess process, SendOrPostCallback callback, object? state)
    {
        if (IsHere())
            _ready.Enqueue(new Ready(process, callback, state));
    }

    // Before the first run it is whoever builds the world.
    private bool IsHere()
    {
        if (_thread is null || _thread == Thread.CurrentThread)
            return true;
        Interlocked.CompareExchange(ref _broken, $"came from another thread: {Environment.StackTrace}", null);
        return false;
    }

    private readonly record struct Planned(VirtualProcess Process, Action Run);

    private readonly record struct Ready(VirtualProcess Process, SendOrPostCallback Callback, object? State);
}
