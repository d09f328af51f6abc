using Swarm.Protocol.Transport;

namespace Swarm.Protocol.Dht;

/// <summary>The calls of the DHT to a peer, each with a time limit. Never throws for what a peer or a network does.</summary>
internal interface IDhtCalls
{
    Task<DhtReply<PingResponse>> PingAsync(PeerEndpoint peer, PingRequest request, CancellationToken cancellationToken);

    Task<DhtReply<FindNodeResponse>> FindNodeAsync(PeerEndpoint peer, FindNodeRequest request, CancellationToken cancellationToken);

    Task<DhtReply<FindRecordsResponse>> FindRecordsAsync(PeerEndpoint peer, FindRecordsRequest request, CancellationToken cancellationToken);

    Task<DhtReply<StoreResponse>> StoreAsync(PeerEndpoint peer, StoreRequest request, CancellationToken cancellationToken);
}
