using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;

namespace Swarm.Protocol.Transport;

/// <summary>A bound port whose connections are looked at before Kestrel gets them.</summary>
internal sealed class AcceptedListener : IConnectionListener
{
    // A machine out of descriptors is not to spin here until somebody closes one.
    private static readonly TimeSpan AfterFailure = TimeSpan.FromMilliseconds(50);

    private readonly Socket _socket;
    private readonly Action<Socket, Action<ConnectionContext>> _admit;
    private readonly TimeProvider _time;
    private readonly Channel<ConnectionContext> _admitted = Channel.CreateUnbounded<ConnectionContext>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Task _accepting;
    private volatile bool _unbound;

    public AcceptedListener(Socket socket, Action<Socket, Action<ConnectionContext>> admit, TimeProvider time)
    {
        _socket = socket;
        _admit = admit;
        _time = time;
        EndPoint = socket.LocalEndPoint!;
        _accepting = AcceptAllAsync();
    }

    public EndPoint EndPoint { get; }

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (await _admitted.Reader.WaitToReadAsync(cancellationToken))
        {
            if (_admitted.Reader.TryRead(out ConnectionContext? connection))
                return connection;
        }

        return null;
    }

    public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        _unbound = true;
        _socket.Dispose();
        await _accepting;
        _admitted.Writer.TryComplete();
    }

    public async ValueTask DisposeAsync()
    {
        await UnbindAsync();
        while (_admitted.Reader.TryRead(out ConnectionContext? late))
            await late.DisposeAsync();
    }

    private async Task AcceptAllAsync()
    {
        while (!_unbound)
        {
            try
            {
                Socket accepted = await _socket.AcceptAsync();
                accepted.NoDelay = true;
                _admit(accepted, Admit);
            }
            catch (SocketException) when (!_unbound)
            {
                await Task.Delay(AfterFailure, _time);
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private void Admit(ConnectionContext connection)
    {
        if (!_admitted.Writer.TryWrite(connection))
            _ = connection.DisposeAsync().AsTask();
    }
}
