using System.Net;
using System.Net.Sockets;
using Grpc.Core;
using Swarm.Protocol.Transport;

namespace Swarm.Client.Tests;

/// <summary>A node behind a router: the port that it believes it listens on leads nowhere until it is forwarded.</summary>
internal sealed class HiddenTransport(ITransport inner) : ITransport
{
    private readonly PeerAddress _address = new("127.0.0.1", UnusedPort());
    private IReadOnlyList<ServerServiceDefinition> _services = [];
    private IPeerListener? _forwarded;

    public ValueTask<IPeerListener> ListenAsync(PeerAddress address, IReadOnlyList<ServerServiceDefinition> services, CancellationToken cancellationToken)
    {
        _services = services;
        return new ValueTask<IPeerListener>(new Listener(_address));
    }

    public CallInvoker Connect(PeerEndpoint endpoint, ConnectionClass purpose) => inner.Connect(endpoint, purpose);

    /// <summary>From now on others get through.</summary>
    public async Task ForwardAsync() => _forwarded = await inner.ListenAsync(_address, _services, CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        if (_forwarded is not null)
            await _forwarded.DisposeAsync();
        await inner.DisposeAsync();
    }

    private static int UnusedPort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private sealed class Listener(PeerAddress address) : IPeerListener
    {
        public PeerAddress Address { get; } = address;

        public ValueTask DisposeAsync() => default;
    }
}
