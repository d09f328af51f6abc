using System.Net.Security;
using Swarm.Protocol.Membership;

namespace Swarm.Protocol.Transport;

/// <summary>A dialled connection under TLS. Knows who answered, and tells a refusal, which shows as an end before the first byte, from other ends.</summary>
internal sealed class PeerStream : SslStream
{
    private readonly PeerAddress _address;
    private readonly Action<PeerStream> _closed;
    private volatile bool _heard;
    private volatile bool _refused;
    private int _disposed;

    public PeerStream(MeteredStream connection, PeerAddress address, Action<PeerStream> closed)
        : base(connection, leaveInnerStreamOpen: false)
    {
        Connection = connection;
        _address = address;
        _closed = closed;
    }

    /// <summary>What lies below TLS.</summary>
    public MeteredStream Connection { get; }

    /// <summary>Who answered; set by the handshake.</summary>
    public Member Member { get; set; }

    /// <summary>The other side ended before its first byte: this side is no member to it. HTTP loses such a failure when the connection ends before it is put to use.</summary>
    public TransportException? Refusal => _refused ? new TransportException(TransportStatuses.NotAMember(_address)) : null;

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        _heard || buffer.IsEmpty ? base.ReadAsync(buffer, cancellationToken) : ReadFirstAsync(buffer, cancellationToken);

    public override int Read(byte[] buffer, int offset, int count)
    {
        if (_heard || count == 0)
            return base.Read(buffer, offset, count);
        int read;
        try
        {
            read = base.Read(buffer, offset, count);
        }
        catch (IOException exception) when (Volatile.Read(ref _disposed) == 0)
        {
            throw Refused(exception);
        }

        if (read == 0 && Volatile.Read(ref _disposed) == 0)
            throw Refused(null);
        _heard = true;
        return read;
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        _heard ? base.WriteAsync(buffer, cancellationToken) : WriteFirstAsync(buffer, cancellationToken);

    public override async ValueTask DisposeAsync()
    {
        End();
        await base.DisposeAsync();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            End();
        base.Dispose(disposing);
    }

    /// <summary>A member's listener speaks first (HTTP/2 settings, the greeting of a lane). One that ends instead has refused this side's certificate: under TLS 1.3 it can say so only after the handshake.</summary>
    private async ValueTask<int> ReadFirstAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        int count;
        try
        {
            count = await base.ReadAsync(buffer, cancellationToken);
        }
        catch (IOException exception) when (Volatile.Read(ref _disposed) == 0)
        {
            throw Refused(exception);
        }

        if (count == 0 && Volatile.Read(ref _disposed) == 0)
            throw Refused(null);
        _heard = true;
        return count;
    }

    /// <summary>HTTP writes before it reads, so the same end may show here first.</summary>
    private async ValueTask WriteFirstAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken)
    {
        try
        {
            await base.WriteAsync(buffer, cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException && !_heard && (_refused || Volatile.Read(ref _disposed) == 0))
        {
            throw Refused(exception);
        }
    }

    private TransportException Refused(Exception? cause)
    {
        _refused = true;
        return new TransportException(TransportStatuses.NotAMember(_address), cause);
    }

    private void End()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
            _closed(this);
    }
}
