namespace Swarm.Protocol.Transport;

/// <summary>What a connection is for. Each class has its own HTTP/2 connection, so that bulk never delays a token.</summary>
public enum ConnectionClass
{
    /// <summary>Small messages that somebody waits for.</summary>
    Decode,

    /// <summary>Prefill, replay, manifests, weights.</summary>
    Bulk,
}
