namespace Swarm.Protocol.Transport;

/// <summary>
/// Bounds what a process sends on all its peer connections together: a token bucket. Bytes are paid for before they are written, so that by any time t at most
/// burst + rate × t have left. Decode goes before bulk, and connections of a class share the rate (<see cref="UploadQueue"/>).
/// </summary>
public sealed class UploadLimiter
{
    /// <summary>Lowest rate, bytes a second: below it a connection's own pings would come too late.</summary>
    public const long LeastBytesPerSecond = 16_000;

    /// <summary>Most bytes that are paid for at once; what waits longer than one such piece is overtaken.</summary>
    internal const int PieceBytes = 16 << 10;

    private const long LeastBurstBytes = 4 * PieceBytes;

    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly TokenBucket _bucket;
    private readonly Lock _lock = new();
    private readonly UploadQueue _waiting = new();
    private readonly ITimer _timer;
    private long _sentBytes;
    private long _bulkBytes;
    private long _delayedBytes;
    private TimeSpan _waited;

    /// <param name="bytesPerSecond">At least <see cref="LeastBytesPerSecond"/>.</param>
    /// <param name="time">Its monotonic clock.</param>
    public UploadLimiter(long bytesPerSecond, TimeProvider time)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytesPerSecond, LeastBytesPerSecond);
        ArgumentNullException.ThrowIfNull(time);
        BytesPerSecond = bytesPerSecond;
        BurstBytes = Math.Max(LeastBurstBytes, bytesPerSecond / 10);
        _bucket = new TokenBucket(bytesPerSecond, BurstBytes);
        _time = time;
        _start = time.GetTimestamp();
        _timer = time.CreateTimer(static limiter => ((UploadLimiter)limiter!).Serve(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public long BytesPerSecond { get; }

    /// <summary>What may leave at once after a rest: a tenth of a second's worth, at least 64 KiB.</summary>
    public long BurstBytes { get; }

    /// <summary>Bytes let through so far.</summary>
    public long SentBytes
    {
        get
        {
            lock (_lock)
                return _sentBytes;
        }
    }

    /// <summary>Of them, those on connections for bulk.</summary>
    public long BulkBytes
    {
        get
        {
            lock (_lock)
                return _bulkBytes;
        }
    }

    /// <summary>Of all, those that had to wait.</summary>
    public long DelayedBytes
    {
        get
        {
            lock (_lock)
                return _delayedBytes;
        }
    }

    /// <summary>How long writes have waited, summed over all connections.</summary>
    public TimeSpan Waited
    {
        get
        {
            lock (_lock)
                return _waited;
        }
    }

    /// <summary>The share of one more connection.</summary>
    internal UploadFlow Open(ConnectionClass purpose) => new(this, purpose);

    /// <summary>Takes the flow's piece at once, or has it wait; true when taken.</summary>
    internal bool TryTake(UploadFlow flow)
    {
        lock (_lock)
        {
            TimeSpan now = Now;
            bool alone = _waiting.IsEmpty;
            _waiting.Add(flow);
            if (alone && _bucket.TryTake(flow.Bytes, now))
            {
                Serve(flow);
                return true;
            }

            flow.Since = now;
            if (_waiting.Next == flow)
                Arm(now);
            return false;
        }
    }

    /// <summary>The flow waits no longer: its connection is gone. True when it did wait.</summary>
    internal bool Remove(UploadFlow flow)
    {
        lock (_lock)
        {
            if (!_waiting.Remove(flow))
                return false;
            if (!_waiting.IsEmpty)
                Arm(Now);
            return true;
        }
    }

    private TimeSpan Now => _time.GetElapsedTime(_start);

    private void Serve()
    {
        while (true)
        {
            UploadFlow flow;
            lock (_lock)
            {
                if (_waiting.Next is not { } next)
                    return;
                flow = next;
                TimeSpan now = Now;
                if (!_bucket.TryTake(flow.Bytes, now))
                {
                    Arm(now);
                    return;
                }

                Serve(flow);
                _delayedBytes += flow.Bytes;
                _waited += now - flow.Since;
            }

            flow.Granted();
        }
    }

    private void Serve(UploadFlow flow)
    {
        _waiting.Serve();
        _sentBytes += flow.Bytes;
        if (flow.Queued == ConnectionClass.Bulk)
            _bulkBytes += flow.Bytes;
    }

    // Under the lock, with somebody waiting.
    private void Arm(TimeSpan now) => _timer.Change(_bucket.Until(_waiting.Next!.Bytes, now), Timeout.InfiniteTimeSpan);
}
