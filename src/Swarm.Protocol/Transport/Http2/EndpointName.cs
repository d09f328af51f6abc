using System.Security.Cryptography;
using System.Text;

namespace Swarm.Protocol.Transport;

/// <summary>
/// An endpoint under the host name by which the HTTP handler keeps its connections apart: a hash of peer and addresses. So no call that expects a peer meets a
/// connection that was made for another, or for any. Nobody resolves the name.
/// </summary>
internal sealed class EndpointName
{
    public EndpointName(PeerEndpoint endpoint, bool secure)
    {
        Endpoint = endpoint;
        Host = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{endpoint.Peer} {string.Join(' ', endpoint.Addresses)}")).AsSpan(0, 16)) + ".peer";
        Origin = (secure ? "https://" : "http://") + Host;
        Authority = endpoint.Addresses[0].ToString();
    }

    public PeerEndpoint Endpoint { get; }

    public string Host { get; }

    /// <summary>What a path is appended to.</summary>
    public string Origin { get; }

    /// <summary>What the other side is told that it was called by.</summary>
    public string Authority { get; }
}
