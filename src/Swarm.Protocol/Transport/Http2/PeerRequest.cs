namespace Swarm.Protocol.Transport;

/// <summary>A request that knows whom it is for: the handler's connections are made for it.</summary>
internal sealed class PeerRequest(Uri uri, EndpointName endpoint) : HttpRequestMessage(HttpMethod.Post, uri)
{
    public EndpointName Endpoint { get; } = endpoint;

    /// <summary>The connection that was made for it, if one was and under TLS.</summary>
    public PeerStream? Dialled { get; set; }
}
