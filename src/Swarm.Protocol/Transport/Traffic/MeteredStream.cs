namespace Swarm.Protocol.Transport;

/// <summary>A dialled connection: both ways counted, and written piece by piece as the limiter lets it.</summary>
internal sealed class MeteredStream(Stream inner, WireTraffic traffic, UploadFlow? flow) : Stream
{
    public override bool CanRead => inner.CanRead;

    public override bool CanWrite => inner.CanWrite;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Flush() => inner.Flush();

    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        int read = inner.Read(buffer);
        traffic.Received(read);
        return read;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ValueTask<int> reading = inner.ReadAsync(buffer, cancellationToken);
        if (!reading.IsCompletedSuccessfully)
            return CountAsync(reading);
        int read = reading.Result;
        traffic.Received(read);
        return new ValueTask<int>(read);
    }

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("connections are written asynchronously");

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (flow is null)
        {
            traffic.Sent(buffer.Length);
            return inner.WriteAsync(buffer, cancellationToken);
        }

        if (buffer.Length > UploadLimiter.PieceBytes)
            return WritePiecesAsync(flow, buffer, cancellationToken);
        ValueTask turn = flow.AcquireAsync(buffer.Length);
        if (!turn.IsCompletedSuccessfully)
            return WriteAsync(turn, buffer, cancellationToken);
        turn.GetAwaiter().GetResult();
        traffic.Sent(buffer.Length);
        return inner.WriteAsync(buffer, cancellationToken);
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override async ValueTask DisposeAsync()
    {
        flow?.Dispose();
        await inner.DisposeAsync();
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing)
            return;
        flow?.Dispose();
        inner.Dispose();
    }

    private async ValueTask<int> CountAsync(ValueTask<int> reading)
    {
        int read = await reading;
        traffic.Received(read);
        return read;
    }

    private async ValueTask WriteAsync(ValueTask turn, ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken)
    {
        await turn;
        traffic.Sent(buffer.Length);
        await inner.WriteAsync(buffer, cancellationToken);
    }

    private async ValueTask WritePiecesAsync(UploadFlow turns, ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken)
    {
        while (!buffer.IsEmpty)
        {
            ReadOnlyMemory<byte> piece = buffer[..Math.Min(buffer.Length, UploadLimiter.PieceBytes)];
            await turns.AcquireAsync(piece.Length);
            cancellationToken.ThrowIfCancellationRequested();
            traffic.Sent(piece.Length);
            await inner.WriteAsync(piece, cancellationToken);
            buffer = buffer[piece.Length..];
        }
    }
}
