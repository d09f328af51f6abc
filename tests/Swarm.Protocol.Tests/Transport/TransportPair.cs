using Grpc.Core;
using Swarm.Protocol.Transport;
using Swarm.Testing;

namespace Swarm.Protocol.Tests.Transport;

/// <summary>A server and a client over one kind of transport.</summary>
internal sealed class TransportPair : IAsyncDisposable
{
    private readonly ITransport _client;
    private readonly TestMembership? _membership;
    private readonly PeerId _peer;

    private TransportPair(ITransport server, ITransport client, IPeerListener listener, TestMembership? membership, PeerId peer)
    {
        _membership = membership;
        _peer = peer;
        Server = server;
        _client = client;
        Listener = listener;
    }

    public ITransport Server { get; }

    public IPeerListener Listener { get; }

    public CallInvoker Invoker => _client.Connect(new PeerEndpoint(_peer, Listener.Address), ConnectionClass.Decode);

    public static async Task<TransportPair> OpenAsync(TransportKind kind, IReadOnlyList<ServerServiceDefinition> services, TransportOptions? server = null, TransportOptions? client = null)
    {
        var network = new InMemoryNetwork();
        TestMembership? membership = kind is TransportKind.Grpc or TransportKind.InMemory ? null : new TestMembership();
        TransportOptions Complete(TransportOptions? options) => (options ?? new TransportOptions()) with { Credentials = membership?.NewMember() };
        ITransport Make(TransportOptions options) => Transports.New(kind, network, options);

        TransportOptions serverOptions = Complete(server);
        ITransport serving = Make(serverOptions);
        IPeerListener listener = await serving.ListenAsync(new PeerAddress("127.0.0.1", 0), services, CancellationToken.None);
        return new TransportPair(serving, Make(Complete(client)), listener, membership, serverOptions.Credentials?.Peer ?? default);
    }

    public async ValueTask DisposeAsync()
    {
        await Listener.DisposeAsync();
        await _client.DisposeAsync();
        await Server.DisposeAsync();
        _membership?.Dispose();
    }
}
