using Grpc.Core;
using Swarm.Protocol.Transport;

namespace Swarm.Protocol.Tests.Transport;

/// <summary>A server and a client over one kind of transport.</summary>
internal sealed class TransportPair : IAsyncDisposable
{
    private readonly ITransport _client;

    private TransportPair(ITransport server, ITransport client, IPeerListener listener)
    {
        Server = server;
        _client = client;
        Listener = listener;
    }

    public ITransport Server { get; }

    public IPeerListener Listener { get; }

    public CallInvoker Invoker => _client.Connect(Listener.Address, ConnectionClass.Decode);

    public static async Task<TransportPair> OpenAsync(TransportKind kind, IReadOnlyList<ServerServiceDefinition> services, TransportOptions? server = null, TransportOptions? client = null)
    {
        var network = new InMemoryNetwork();
        ITransport Make(TransportOptions? options) => kind == TransportKind.Grpc ? new GrpcTransport(options) : new InMemoryTransport(network, options);
        ITransport serving = Make(server);
        return new TransportPair(serving, Make(client), await serving.ListenAsync(new PeerAddress("127.0.0.1", 0), services, CancellationToken.None));
    }

    public async ValueTask DisposeAsync()
    {
        await Listener.DisposeAsync();
        await _client.DisposeAsync();
        await Server.DisposeAsync();
    }
}
