using System.Buffers;
using System.IO.Pipelines;

namespace Swarm.Protocol.Transport;

/// <summary>Collects frames and sends them when it is flushed, in the thread that flushes. For one writer at a time.</summary>
internal sealed class LaneWriter(Lane lane) : PipeWriter
{
    private const int FirstBytes = 4 << 10;

    // A larger buffer, which an unusual message needed, is not kept.
    private const int MostKeptBytes = 64 << 10;

    private byte[]? _buffer;
    private int _length;

    public override void Advance(int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)bytes, (uint)(_buffer?.Length - _length ?? 0), nameof(bytes));
        _length += bytes;
    }

    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _buffer.AsMemory(_length);
    }

    public override Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _buffer.AsSpan(_length);
    }

    /// <summary>Forgets what was not flushed.</summary>
    public void Discard() => _length = 0;

    public override void CancelPendingFlush() => throw new NotSupportedException("a flush of a lane is cancelled by its token");

    public override void Complete(Exception? exception = null)
    {
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_length == 0)
            return new ValueTask<FlushResult>(default(FlushResult));
        ValueTask sending = lane.SendAsync(_buffer.AsMemory(0, _length));
        if (!sending.IsCompletedSuccessfully)
            return WaitAsync(sending, cancellationToken);
        sending.GetAwaiter().GetResult();
        Sent(_buffer!);
        return new ValueTask<FlushResult>(default(FlushResult));
    }

    // Who waits no longer leaves the bytes behind to be sent: half a record would end the connection.
    private async ValueTask<FlushResult> WaitAsync(ValueTask sending, CancellationToken cancellationToken)
    {
        byte[] buffer = _buffer!;
        _buffer = null;
        _length = 0;
        await SendOutAsync(sending, buffer).WaitAsync(cancellationToken);
        return default;
    }

    private static async Task SendOutAsync(ValueTask sending, byte[] buffer)
    {
        try
        {
            await sending;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private void Sent(byte[] buffer)
    {
        _length = 0;
        if (buffer.Length <= MostKeptBytes)
            return;
        _buffer = null;
        ArrayPool<byte>.Shared.Return(buffer);
    }

    private void Reserve(int sizeHint)
    {
        int need = _length + Math.Max(sizeHint, 1);
        if (_buffer is not null && _buffer.Length >= need)
            return;
        byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(need, Math.Max(FirstBytes, 2 * _length)));
        if (_buffer is not null)
        {
            _buffer.AsSpan(0, _length).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_buffer);
        }

        _buffer = larger;
    }
}
