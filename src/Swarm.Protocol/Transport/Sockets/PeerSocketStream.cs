using System.Net.Sockets;

namespace Swarm.Protocol.Transport;

/// <summary>
/// A connected socket as a stream. A read that blocks waits in the kernel for the socket alone, without the runtime's own event loop between: whoever reads so is awake as soon as
/// bytes are there. Nothing registers the socket with that loop until something is awaited on it.
/// </summary>
internal sealed class PeerSocketStream(Socket socket) : NetworkStream(socket, ownsSocket: true)
{
    private volatile bool _writesAtOnce;

    /// <summary>From now on a write goes out in the calling thread as far as the socket takes it; only what does not fit is awaited.</summary>
    public void WriteAtOnce()
    {
        Socket.Blocking = false;
        _writesAtOnce = true;
    }

    /// <summary>Nothing more is sent: the other side sees the end behind what was.</summary>
    public void EndWriting() => Shutdown(Socket, SocketShutdown.Send);

    /// <summary>Ends both ways: whoever reads or writes learns it. Safe from any thread, any number of times.</summary>
    public void Cut() => Cut(Socket);

    /// <inheritdoc cref="Cut()"/>
    public static void Cut(Socket socket) => Shutdown(socket, SocketShutdown.Both);

    public override int Read(Span<byte> buffer)
    {
        while (true)
        {
            try
            {
                Socket.Poll(-1, SelectMode.SelectRead);
                int count = Socket.Receive(buffer, SocketFlags.None, out SocketError error);
                if (error == SocketError.Success)
                    return count;
                if (error != SocketError.WouldBlock)
                    throw new IOException("the connection broke", new SocketException((int)error));
            }
            catch (SocketException exception)
            {
                throw new IOException("the connection broke", exception);
            }
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (!_writesAtOnce)
            return base.WriteAsync(buffer, cancellationToken);
        while (!buffer.IsEmpty)
        {
            int count = Socket.Send(buffer.Span, SocketFlags.None, out SocketError error);
            if (error == SocketError.WouldBlock)
                return base.WriteAsync(buffer, cancellationToken);
            if (error != SocketError.Success)
                return ValueTask.FromException(new IOException("the connection broke", new SocketException((int)error)));
            buffer = buffer[count..];
        }

        return default;
    }

    private static void Shutdown(Socket socket, SocketShutdown what)
    {
        try
        {
            socket.Shutdown(what);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // Gone already.
        }
    }
}
