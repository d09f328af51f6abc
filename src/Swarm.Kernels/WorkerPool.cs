using System.Runtime.ExceptionServices;

namespace Swarm.Kernels;

/// <summary>
/// Divides one call's chunks over threads that live as long as the pool. Chunks are claimed one at a time, by the caller too, so a worker
/// that wakes late or is held up by other programs delays nobody. Idle workers spin for some tens of microseconds at most, less where spinning
/// has not met work lately, then sleep. One caller at a time; running allocates nothing.
/// </summary>
internal sealed class WorkerPool : IDisposable
{
    /// <summary>Most chunks of one call.</summary>
    public const int MaxChunks = (1 << ChunkBits) - 1;

    private const int ChunkBits = 20;

    // About 50 microseconds (a round is a quarter): longer than the gaps between two kernels of a step, far shorter than a scheduler's time slice.
    private const int SpinRounds = 200;

    // About 8 microseconds: longer than most gaps inside a step.
    private const int LeastSpinRounds = 32;

    private readonly Lock _start = new();
    private readonly Thread[] _workers;
    private readonly object _gate = new();
    private readonly object _done = new();

    // Generation of the call in the upper 24 bits, its chunk count in the next 20, the next unclaimed chunk in the lowest 20.
    private long _ticket;
    private Action<int, int> _body = static (_, _) => { };
    private ExceptionDispatchInfo? _failure;
    private int _finished;
    private int _parked;
    private int _parks;
    private bool _callerWaits;
    private bool _started;
    private volatile bool _disposed;

    /// <param name="threads">Threads that compute, the caller included.</param>
    public WorkerPool(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(threads);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(threads, 1024);
        Threads = threads;
        _workers = new Thread[threads - 1];
    }

    /// <summary>Threads that compute, the caller included.</summary>
    public int Threads { get; }

    /// <summary>Times that a worker went to sleep: an idle pool burns no time of the processor.</summary>
    public int Parks => Volatile.Read(ref _parks);

    /// <summary>Rounds that an idle worker may spin after a number it spun the last time: spinning that met work may go on four times as long, one that met none half as long.</summary>
    internal static int NextSpinLimit(int limit, int spun, bool metWork) =>
        metWork ? Math.Clamp(4 * spun, limit, SpinRounds) : Math.Max(limit / 2, LeastSpinRounds);

    /// <summary>Called by a worker that goes to sleep; for tests.</summary>
    internal Action? Parking { get; set; }

    /// <summary>Calls <paramref name="body"/>(worker, chunk) for each chunk in [0, chunks), worker in [0, Threads); returns when all have returned.</summary>
    /// <param name="chunks">At most <see cref="MaxChunks"/>.</param>
    /// <param name="wake">False for work too short to wake a sleeping thread for; those that spin help all the same.</param>
    /// <param name="body">Its first exception is rethrown here once all chunks are done.</param>
    public void Run(int chunks, bool wake, Action<int, int> body)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(chunks, MaxChunks);
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (chunks <= 1 || Threads == 1)
        {
            for (int chunk = 0; chunk < chunks; chunk++)
                body(0, chunk);
            return;
        }

        if (!_started)
            Start();
        _body = body;
        _finished = 0;
        long generation = (_ticket >> (2 * ChunkBits)) + 1;
        Interlocked.Exchange(ref _ticket, (generation << (2 * ChunkBits)) | ((long)chunks << ChunkBits));
        if (wake && Volatile.Read(ref _parked) > 0)
        {
            lock (_gate)
                Monitor.PulseAll(_gate);
        }

        while (TryClaim(out int chunk, out _))
            Compute(0, chunk, chunks);
        AwaitOthers(chunks);
        if (_failure is { } failure)
        {
            _failure = null;
            failure.Throw();
        }
    }

    public void Dispose()
    {
        _disposed = true;
        lock (_gate)
            Monitor.PulseAll(_gate);
        if (_started)
        {
            foreach (Thread worker in _workers)
                worker.Join();
        }
    }

    private static bool HasWork(long ticket) => (ticket & MaxChunks) < ((ticket >> ChunkBits) & MaxChunks);

    private void Start()
    {
        lock (_start)
        {
            for (int i = 0; i < _workers.Length; i++)
            {
                int worker = i + 1;
                _workers[i] = new Thread(() => Work(worker)) { IsBackground = true, Name = $"swarm-kernels-{worker}" };
                _workers[i].Start();
            }

            _started = true;
        }
    }

    // Claiming precedes reading the call's fields: while a claimed chunk is unfinished the caller cannot return and change them.
    private bool TryClaim(out int chunk, out int chunks)
    {
        long ticket = Volatile.Read(ref _ticket);
        while (HasWork(ticket))
        {
            long seen = Interlocked.CompareExchange(ref _ticket, ticket + 1, ticket);
            if (seen == ticket)
            {
                chunk = (int)(ticket & MaxChunks);
                chunks = (int)((ticket >> ChunkBits) & MaxChunks);
                return true;
            }

            ticket = seen;
        }

        (chunk, chunks) = (0, 0);
        return false;
    }

    private void Compute(int worker, int chunk, int chunks)
    {
        try
        {
            _body(worker, chunk);
        }
        catch (Exception exception)
        {
            Interlocked.CompareExchange(ref _failure, ExceptionDispatchInfo.Capture(exception), null);
        }

        if (Interlocked.Increment(ref _finished) == chunks && Volatile.Read(ref _callerWaits))
        {
            lock (_done)
                Monitor.Pulse(_done);
        }
    }

    private void AwaitOthers(int chunks)
    {
        for (int round = 0; Volatile.Read(ref _finished) != chunks; round++)
        {
            if (round < SpinRounds)
            {
                Thread.SpinWait(10);
                continue;
            }

            // A worker was held up in the middle of a chunk: leave the processor to it.
            lock (_done)
            {
                Volatile.Write(ref _callerWaits, true);
                Interlocked.MemoryBarrier();
                while (Volatile.Read(ref _finished) != chunks)
                    Monitor.Wait(_done);
                Volatile.Write(ref _callerWaits, false);
            }
        }
    }

    private void Work(int worker)
    {
        int idle = 0, limit = SpinRounds;
        while (!_disposed)
        {
            if (TryClaim(out int chunk, out int chunks))
            {
                if (idle > 0)
                    limit = NextSpinLimit(limit, idle, metWork: true);
                Compute(worker, chunk, chunks);
                idle = 0;
            }
            else if (++idle < limit)
            {
                Thread.SpinWait(10);
            }
            else
            {
                limit = NextSpinLimit(limit, idle, metWork: false);
                Park();
                idle = 0;
            }
        }
    }

    private void Park()
    {
        lock (_gate)
        {
            // The count is raised before the ticket is read, and the caller writes the ticket before it reads the count: one of the two sees the other.
            Interlocked.Increment(ref _parked);
            Interlocked.Increment(ref _parks);
            Parking?.Invoke();
            while (!_disposed && !HasWork(Volatile.Read(ref _ticket)))
                Monitor.Wait(_gate);
            Interlocked.Decrement(ref _parked);
        }
    }
}
