using Grpc.Core;
using Swarm.Protocol.Membership;

namespace Swarm.Protocol.Transport;

/// <summary>Who calls, as the transport has proven it; never as a message says.</summary>
public static class PeerContextExtensions
{
    /// <summary>The caller; none (<see cref="PeerId.IsNone"/>) on a transport without credentials.</summary>
    public static PeerId GetPeer(this ServerCallContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.AuthContext is PeerAuthContext peer ? peer.Member.Peer : default;
    }

    /// <summary>The grant that the caller came by; null without credentials, or for a guest of a public swarm.</summary>
    public static GrantId? GetGrant(this ServerCallContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return (context.AuthContext as PeerAuthContext)?.Member.Grant;
    }
}
