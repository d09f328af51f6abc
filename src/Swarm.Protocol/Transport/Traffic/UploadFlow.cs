using System.Threading.Tasks.Sources;

namespace Swarm.Protocol.Transport;

/// <summary>One connection's share of an <see cref="UploadLimiter"/>. One write at a time; waiting allocates nothing.</summary>
internal sealed class UploadFlow(UploadLimiter limiter, ConnectionClass purpose) : IValueTaskSource, IDisposable
{
    private ManualResetValueTaskSourceCore<bool> _source = new() { RunContinuationsAsynchronously = true };
    private volatile bool _closed;

    /// <summary>What the connection carries; known late on the side that was dialled.</summary>
    public ConnectionClass Purpose { get; set; } = purpose;

    /// <summary>The class that it waits in. The limiter's, like the next four.</summary>
    public ConnectionClass Queued { get; set; }

    /// <summary>The piece that is asked for.</summary>
    public int Bytes { get; private set; }

    public double Start { get; set; }

    public double Finish { get; set; }

    public TimeSpan Since { get; set; }

    /// <summary>Ends when so many bytes may be sent. After <see cref="Dispose"/> it ends at once: the connection is gone, and its own write says so.</summary>
    public ValueTask AcquireAsync(long bytes)
    {
        while (bytes > 0)
        {
            if (_closed)
                return default;
            Bytes = (int)Math.Min(bytes, UploadLimiter.PieceBytes);
            bytes -= Bytes;
            _source.Reset();
            short version = _source.Version;
            if (!limiter.TryTake(this))
                return bytes == 0 ? Wait(version) : WaitAsync(version, bytes);
        }

        return default;
    }

    /// <summary>It was this one's turn.</summary>
    public void Granted() => _source.SetResult(true);

    /// <summary>Lets go of a write that waits, and of all later ones.</summary>
    public void Dispose()
    {
        _closed = true;
        if (limiter.Remove(this))
            _source.SetResult(false);
    }

    void IValueTaskSource.GetResult(short token) => _source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);

    private ValueTask Wait(short version)
    {
        // Closed between the look at the flag and the queue: nobody else would end this wait.
        if (_closed && limiter.Remove(this))
            _source.SetResult(false);
        return new ValueTask(this, version);
    }

    private async ValueTask WaitAsync(short version, long rest)
    {
        await Wait(version);
        await AcquireAsync(rest);
    }
}
