using Grpc.Core;

namespace Swarm.Protocol.Transport;

/// <summary>How peers reach each other. The daemon uses <see cref="GrpcTransport"/>, one process alone <see cref="InMemoryTransport"/>; both put every message through its bytes.</summary>
public interface ITransport : IAsyncDisposable
{
    /// <summary>Serves the methods at an address until the listener is disposed. Port 0: a free one.</summary>
    /// <exception cref="AddressUnavailableException">The address is in use, or not of this machine.</exception>
    ValueTask<IPeerListener> ListenAsync(PeerAddress address, IReadOnlyList<ServerServiceDefinition> services, CancellationToken cancellationToken);

    /// <summary>
    /// A way to call a peer. Nothing is dialled before the first call; calls to equal endpoints of one class share a connection. The addresses are tried in turn. With
    /// credentials, whoever answers must be a member of the swarm, and the endpoint's peer where it names one; a call that finds nobody such ends with
    /// <c>UNAVAILABLE</c> naming both peers, one whose own membership is refused with <c>UNAUTHENTICATED</c>. Without credentials the endpoint's peer is not checked.
    /// </summary>
    CallInvoker Connect(PeerEndpoint endpoint, ConnectionClass purpose);
}
