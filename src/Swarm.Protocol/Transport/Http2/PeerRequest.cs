namespace Swarm.Protocol.Transport;

/// <summary>A request that knows whom it is for: the handler's connections are made for it.</summary>
internal sealed class PeerRequest(Uri uri, EndpointName endpoint) : HttpRequestMessage(HttpMethod.Post, uri)
{
    public EndpointName Endpoint { get; } = endpoint;
}
