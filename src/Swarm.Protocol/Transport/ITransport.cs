using Grpc.Core;

namespace Swarm.Protocol.Transport;

/// <summary>How peers reach each other. The daemon uses <see cref="GrpcTransport"/>, one process alone <see cref="InMemoryTransport"/>; both put every message through its bytes.</summary>
public interface ITransport : IAsyncDisposable
{
    /// <summary>Serves the methods at an address until the listener is disposed. Port 0: a free one.</summary>
    /// <exception cref="AddressUnavailableException">The address is in use, or not of this machine.</exception>
    ValueTask<IPeerListener> ListenAsync(PeerAddress address, IReadOnlyList<ServerServiceDefinition> services, CancellationToken cancellationToken);

    /// <summary>A way to call a peer. Nothing is dialled before the first call; calls to one address and class share a connection.</summary>
    CallInvoker Connect(PeerAddress address, ConnectionClass purpose);
}
