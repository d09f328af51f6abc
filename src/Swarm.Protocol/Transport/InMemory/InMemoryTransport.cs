using Grpc.Core;

namespace Swarm.Protocol.Transport;

/// <summary>
/// Calls inside one process: the same framing, marshalling, statuses, deadlines and cancellation as <see cref="GrpcTransport"/> without a socket.
/// It starts no thread and posts nothing to the pool: what happens next runs on the thread, or the scheduler, that made it happen.
/// </summary>
public sealed class InMemoryTransport : ITransport
{
    private readonly InMemoryNetwork _network;
    private readonly TransportOptions _options;
    private readonly MembershipWatch _watch;
    private readonly Lock _gate = new();
    private readonly List<InMemoryListener> _listeners = [];

    public InMemoryTransport(InMemoryNetwork network, TransportOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(network);
        _network = network;
        _options = options ?? new TransportOptions();
        _watch = new MembershipWatch(_options.Credentials?.Gate, _options.TimeProvider, CutRefusedPeers);
    }

    public ValueTask<IPeerListener> ListenAsync(PeerAddress address, IReadOnlyList<ServerServiceDefinition> services, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(services);
        cancellationToken.ThrowIfCancellationRequested();
        InMemoryListener listener = _network.Add(address, new ServerDispatcher(services, _options), _options);
        lock (_gate)
            _listeners.Add(listener);
        return new ValueTask<IPeerListener>(listener);
    }

    public CallInvoker Connect(PeerEndpoint endpoint, ConnectionClass purpose)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        return new WireCallInvoker(_ => new InMemoryClientWire((call, head) => Start(endpoint, call, head)), _options);
    }

    public async ValueTask DisposeAsync()
    {
        InMemoryListener[] listeners;
        lock (_gate)
        {
            listeners = [.. _listeners];
            _listeners.Clear();
        }

        _watch.Dispose();
        foreach (InMemoryListener listener in listeners)
            await listener.DisposeAsync();
    }

    /// <summary>Calls the first address where the right peer answers; the last failure is thrown when none does.</summary>
    private void Start(PeerEndpoint endpoint, InMemoryCall call, RequestHead head)
    {
        Status failure = TransportStatuses.NobodyListens(endpoint.Addresses);
        foreach (PeerAddress address in endpoint.Addresses)
        {
            if (_network.Find(address) is not { } listener)
                continue;
            if (listener.Meet(_options.Credentials, endpoint.Peer, out PeerAuthContext caller) is { } refusal)
            {
                failure = refusal;
                continue;
            }

            listener.Accept(new InMemoryServerWire(call, head, listener.Address, caller), _options.Credentials);
            return;
        }

        throw new RpcException(failure);
    }

    private void CutRefusedPeers()
    {
        foreach (InMemoryListener listener in _network.All())
            listener.CutIfRefusedBy(_options.Credentials!);
    }
}
