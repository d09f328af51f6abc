using System.Buffers;
using System.IO.Pipelines;

namespace Swarm.Protocol.Transport;

/// <summary>What a listener's connection receives: counted as it comes.</summary>
internal sealed class MeteredPipeReader(PipeReader inner, WireTraffic traffic) : PipeReader
{
    private ReadOnlySequence<byte> _seen;
    private long _left;

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        _left = _seen.Slice(consumed).Length;
        _seen = default;
        inner.AdvanceTo(consumed, examined);
    }

    public override void CancelPendingRead() => inner.CancelPendingRead();

    public override void Complete(Exception? exception = null) => inner.Complete(exception);

    public override ValueTask CompleteAsync(Exception? exception = null) => inner.CompleteAsync(exception);

    public override bool TryRead(out ReadResult result)
    {
        if (!inner.TryRead(out result))
            return false;
        Count(result);
        return true;
    }

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        ValueTask<ReadResult> reading = inner.ReadAsync(cancellationToken);
        if (!reading.IsCompletedSuccessfully)
            return CountAsync(reading);
        ReadResult result = reading.Result;
        Count(result);
        return new ValueTask<ReadResult>(result);
    }

    private async ValueTask<ReadResult> CountAsync(ValueTask<ReadResult> reading)
    {
        ReadResult result = await reading;
        Count(result);
        return result;
    }

    private void Count(ReadResult result)
    {
        _seen = result.Buffer;
        traffic.Received(_seen.Length - _left);
        _left = _seen.Length;
    }
}
