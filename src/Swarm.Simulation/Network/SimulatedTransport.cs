using Grpc.Core;
using Swarm.Protocol.Transport;

namespace Swarm.Simulation;

/// <summary>A process's way to the others over a <see cref="SimulatedNetwork"/>.</summary>
public sealed class SimulatedTransport : ITransport
{
    private readonly Dictionary<(PeerEndpoint Endpoint, ConnectionClass Purpose), SimulatedConnection> _connections = [];
    private readonly List<InMemoryListener> _listeners = [];

    public SimulatedTransport(SimulatedNetwork network, VirtualProcess process, TransportOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        Network = network;
        Process = process;
        Options = options;
    }

    internal SimulatedNetwork Network { get; }

    internal VirtualProcess Process { get; }

    internal TransportOptions Options { get; }

    public ValueTask<IPeerListener> ListenAsync(PeerAddress address, IReadOnlyList<ServerServiceDefinition> services, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(services);
        InMemoryListener listener = Network.Addresses.Add(address, new ServerDispatcher(services, Options), Options);
        Network.Own(listener.Address, Process);
        _listeners.Add(listener);
        return new ValueTask<IPeerListener>(listener);
    }

    public CallInvoker Connect(PeerEndpoint endpoint, ConnectionClass purpose)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        return new WireCallInvoker(_ => new InMemoryClientWire((call, head) => SimulatedCall.Start(this, Connection(endpoint, purpose), endpoint, call, head)), Options);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (InMemoryListener listener in _listeners)
            await listener.DisposeAsync();
        Network.CutAll(call => call.Transport == this, Process);
    }

    private SimulatedConnection Connection(PeerEndpoint endpoint, ConnectionClass purpose)
    {
        if (!_connections.TryGetValue((endpoint, purpose), out SimulatedConnection? connection))
            _connections.Add((endpoint, purpose), connection = new SimulatedConnection());
        return connection;
    }
}
