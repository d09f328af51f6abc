using Grpc.Core;
using Swarm.Protocol.Links;
using Swarm.Protocol.Transport;

namespace Swarm.Protocol.Dht;

/// <summary>The calls over a transport. They use the connection for bulk, so that a page of records never delays a token.</summary>
internal sealed class TransportDhtCalls(ITransport transport, TimeProvider time, TimeSpan patience) : IDhtCalls
{
    public Task<DhtReply<PingResponse>> PingAsync(PeerEndpoint peer, PingRequest request, CancellationToken cancellationToken) =>
        CallAsync(peer, DhtMethods.Ping, request, cancellationToken);

    public Task<DhtReply<FindNodeResponse>> FindNodeAsync(PeerEndpoint peer, FindNodeRequest request, CancellationToken cancellationToken) =>
        CallAsync(peer, DhtMethods.FindNode, request, cancellationToken);

    public Task<DhtReply<FindRecordsResponse>> FindRecordsAsync(PeerEndpoint peer, FindRecordsRequest request, CancellationToken cancellationToken) =>
        CallAsync(peer, DhtMethods.FindRecords, request, cancellationToken);

    public Task<DhtReply<StoreResponse>> StoreAsync(PeerEndpoint peer, StoreRequest request, CancellationToken cancellationToken) =>
        CallAsync(peer, DhtMethods.Store, request, cancellationToken);

    private async Task<DhtReply<TResponse>> CallAsync<TRequest, TResponse>(
        PeerEndpoint peer, Method<TRequest, TResponse> method, TRequest request, CancellationToken cancellationToken)
        where TRequest : class
        where TResponse : class
    {
        using var late = new CancellationTokenSource(patience, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            using AsyncUnaryCall<TResponse> call = transport.Connect(peer, ConnectionClass.Bulk)
                .AsyncUnaryCall(method, null, new CallOptions(cancellationToken: both.Token), request);
            return new DhtReply<TResponse>(await call.ResponseAsync, null);
        }
        catch (Exception exception) when (exception is RpcException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            SwarmException fault = exception is RpcException { StatusCode: StatusCode.ResourceExhausted } busy
                ? new SwarmException(FaultKind.NoCapacity, $"{peer}: {busy.Status.Detail}", peer.Peer, inner: busy)
                : RpcFaults.Translate(exception, peer.Addresses[0], FaultKind.PeerUnreachable, peer.Peer);
            return new DhtReply<TResponse>(null, fault);
        }
    }
}
