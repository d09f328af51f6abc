using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace Swarm.Protocol.Transport;

/// <summary>Gives Kestrel its connections: ours, because a listener of members has to look at each before HTTP does, and because not all of them are for HTTP.</summary>
/// <param name="admit">Looks at an accepted socket; calls back with the connection when it is one for HTTP.</param>
internal sealed class PeerListenerFactory(Action<Socket, Action<ConnectionContext>> admit, TimeProvider time) : IConnectionListenerFactory
{
    private const int Backlog = 512;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var ip = (IPEndPoint)endpoint;
        var socket = new Socket(ip.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (ip.Address.Equals(IPAddress.IPv6Any))
                socket.DualMode = true;
            socket.Bind(endpoint);
            socket.Listen(Backlog);
        }
        catch (SocketException exception)
        {
            socket.Dispose();
            if (exception.SocketErrorCode == SocketError.AddressAlreadyInUse)
                throw new AddressInUseException(exception.Message, exception);
            throw;
        }

        return new ValueTask<IConnectionListener>(new AcceptedListener(socket, admit, time));
    }
}
