using System.IO.Pipelines;

namespace Swarm.Protocol.Transport;

/// <summary>What a listener's connection sends: counted, and flushed once the limiter lets it.</summary>
internal sealed class MeteredPipeWriter(PipeWriter inner, WireTraffic traffic, UploadFlow? flow) : PipeWriter
{
    private long _pending;
    private volatile bool _flushCancelled;

    public override bool CanGetUnflushedBytes => inner.CanGetUnflushedBytes;

    public override long UnflushedBytes => inner.UnflushedBytes;

    public override Memory<byte> GetMemory(int sizeHint = 0) => inner.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => inner.GetSpan(sizeHint);

    public override void Advance(int bytes)
    {
        inner.Advance(bytes);
        _pending += bytes;
    }

    public override void CancelPendingFlush()
    {
        _flushCancelled = true;
        inner.CancelPendingFlush();
    }

    public override void Complete(Exception? exception = null) => inner.Complete(exception);

    public override ValueTask CompleteAsync(Exception? exception = null) => inner.CompleteAsync(exception);

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        long bytes = _pending;
        _pending = 0;
        traffic.Sent(bytes);
        if (flow is null)
            return inner.FlushAsync(cancellationToken);
        ValueTask turn = flow.AcquireAsync(bytes);
        if (!turn.IsCompletedSuccessfully)
            return FlushAsync(turn, cancellationToken);
        turn.GetAwaiter().GetResult();
        return inner.FlushAsync(cancellationToken);
    }

    private async ValueTask<FlushResult> FlushAsync(ValueTask turn, CancellationToken cancellationToken)
    {
        _flushCancelled = false;
        await turn;
        FlushResult flushed = await inner.FlushAsync(cancellationToken);
        return _flushCancelled ? new FlushResult(isCanceled: true, flushed.IsCompleted) : flushed;
    }
}
