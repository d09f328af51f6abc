using Grpc.Core;
using Swarm.Protocol.Membership;
using Swarm.Protocol.Transport;
using Swarm.Testing;

namespace Swarm.Protocol.Tests.Transport;

/// <summary>A swarm over one kind of transport: a member that listens, and transports for whatever other credentials a test thinks of.</summary>
internal sealed class MemberWorld : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly InMemoryNetwork _network = new();
    private readonly TransportKind _kind;
    private readonly List<ITransport> _transports = [];

    private readonly TimeProvider _time;

    private MemberWorld(TransportKind kind, GrantTerms? terms, TimeProvider? time)
    {
        _kind = kind;
        _time = time ?? TimeProvider.System;
        Membership = new TestMembership(terms, time);
        Server = Membership.NewMember();
    }

    public TestMembership Membership { get; }

    public PeerCredentials Server { get; }

    public IPeerListener Listener { get; private set; } = null!;

    /// <summary>The listener with its peer.</summary>
    public PeerEndpoint Endpoint => new(Server.Peer, Listener.Address);

    public static async Task<MemberWorld> OpenAsync(TransportKind kind, ServerServiceDefinition service, GrantTerms? terms = null, TimeProvider? time = null)
    {
        var world = new MemberWorld(kind, terms, time);
        world.Listener = await world.NewTransport(world.Server).ListenAsync(new PeerAddress("127.0.0.1", 0), [service], CancellationToken.None);
        return world;
    }

    public ITransport NewTransport(PeerCredentials? credentials)
    {
        var options = new TransportOptions { Credentials = credentials, TimeProvider = _time };
        ITransport transport = Transports.New(_kind, _network, options);
        _transports.Add(transport);
        return transport;
    }

    /// <summary>One unary call over a new transport.</summary>
    public Task<string> CallAsync(PeerCredentials? credentials, PeerEndpoint endpoint) => CallAsync(NewTransport(credentials), endpoint);

    public static Task<string> CallAsync(ITransport transport, PeerEndpoint endpoint, ConnectionClass purpose = ConnectionClass.Decode) =>
        transport.Connect(endpoint, purpose).AsyncUnaryCall(EchoMethods.Unary, null, default, "m").ResponseAsync.WaitAsync(Patience);

    public async Task<Status> FailAsync(PeerCredentials? credentials, PeerEndpoint endpoint) =>
        (await Assert.ThrowsAsync<RpcException>(() => CallAsync(credentials, endpoint))).Status;

    public async ValueTask DisposeAsync()
    {
        foreach (ITransport transport in _transports.AsEnumerable().Reverse())
            await transport.DisposeAsync();
        Membership.Dispose();
    }
}
