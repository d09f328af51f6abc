using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Swarm.Protocol.Transport;

namespace Swarm.Protocol.Tests.Transport;

/// <summary>A way between a client and a server that can break.</summary>
internal sealed class TcpRelay : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentBag<Socket> _sockets = [];
    private readonly PeerAddress _target;
    private volatile bool _frozen;
    private long _answered;

    public TcpRelay(PeerAddress target)
    {
        _target = target;
        _listener.Start();
        _ = AcceptAsync();
    }

    public PeerAddress Address => new("127.0.0.1", ((IPEndPoint)_listener.LocalEndpoint).Port);

    /// <summary>Bytes passed on to clients.</summary>
    public long AnsweredBytes => Interlocked.Read(ref _answered);

    /// <summary>Resets every connection, as the kernel does for a process that was killed.</summary>
    public void Cut()
    {
        foreach (Socket socket in _sockets)
            socket.Close(0);
    }

    /// <summary>Passes nothing on any more, as a machine does that lost its power.</summary>
    public void Freeze() => _frozen = true;

    public void Dispose()
    {
        _listener.Stop();
        Cut();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Socket near = await _listener.AcceptSocketAsync();
                var far = new Socket(SocketType.Stream, ProtocolType.Tcp);
                foreach (Socket socket in new[] { near, far })
                {
                    socket.NoDelay = true;
                    socket.LingerState = new LingerOption(true, 0);
                    _sockets.Add(socket);
                }

                await far.ConnectAsync(_target.Host, _target.Port);
                _ = PumpAsync(near, far, answers: false);
                _ = PumpAsync(far, near, answers: true);
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // Stopped.
        }
    }

    private async Task PumpAsync(Socket from, Socket to, bool answers)
    {
        byte[] buffer = new byte[16 << 10];
        try
        {
            while (await from.ReceiveAsync(buffer) is > 0 and int count)
            {
                if (_frozen)
                    continue;
                if (answers)
                    Interlocked.Add(ref _answered, count);
                await to.SendAsync(buffer.AsMemory(0, count));
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // Cut.
        }
    }
}
