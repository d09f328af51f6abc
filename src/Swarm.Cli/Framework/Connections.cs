using Swarm.Protocol.Membership;
using Swarm.Protocol.Transport;

namespace Swarm.Cli.Framework;

/// <summary>How this program reaches peers: gRPC over TLS, always under credentials.</summary>
internal static class Connections
{
    /// <summary>A transport that refuses from the start whom the list shuts out.</summary>
    public static ITransport Open(PeerCredentials credentials, RevocationList? revocations)
    {
        if (revocations is not null)
            credentials.Gate.Update(revocations);
        return new GrpcTransport(new TransportOptions { Credentials = credentials });
    }
}
