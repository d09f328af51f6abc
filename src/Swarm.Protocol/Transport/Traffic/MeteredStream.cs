namespace Swarm.Protocol.Transport;

/// <summary>A connection between peers, below TLS: both ways counted, and written piece by piece as the limiter lets it.</summary>
internal sealed class MeteredStream(Stream inner, WireTraffic traffic, UploadFlow? flow) : Stream
{
    /// <summary>Its share of the upload; null where nothing bounds it.</summary>
    public UploadFlow? Flow => flow;

    public override bool CanRead => inner.CanRead;

    public override bool CanWrite => inner.CanWrite;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>From now on what the limiter and the socket take at once is sent in the calling thread.</summary>
    public void WriteAtOnce() => (inner as PeerSocketStream)?.WriteAtOnce();

    /// <summary>Nothing more is sent.</summary>
    public void EndWriting() => (inner as PeerSocketStream)?.EndWriting();

    /// <summary>Ends both ways, and with them a write that waits. Safe from any thread, any number of times.</summary>
    public void Cut()
    {
        flow?.Dispose();
        (inner as PeerSocketStream)?.Cut();
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

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <summary>For handshakes, which write little: waits for its turn in the calling thread.</summary>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (flow?.AcquireAsync(buffer.Length) is { IsCompletedSuccessfully: false } turn)
            turn.AsTask().GetAwaiter().GetResult();
        traffic.Sent(buffer.Length);
        inner.Write(buffer);
    }

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
