using System.Collections.Immutable;
using Grpc.Core;
using Swarm.Protocol.Membership;

namespace Swarm.Protocol.Transport;

/// <summary>What both transports say when no connection comes about.</summary>
internal static class TransportStatuses
{
    /// <summary>The other side does not take this one for a member. It never says why.</summary>
    public static Status NotAMember(PeerAddress address) => new(
        StatusCode.Unauthenticated,
        $"the peer at {address} refuses this side: seen no membership that it accepts; the invite may have ended, be revoked, or be another swarm's");

    /// <summary>Another peer than the one asked for.</summary>
    public static Status AnotherPeer(PeerAddress address, PeerId seen, PeerId expected) => new(
        StatusCode.Unavailable, $"the peer cannot be reached: at {address} peer {seen} answers, expected {expected}");

    /// <summary>The other side is no member.</summary>
    public static Status Stranger(PeerAddress address, MembershipRefusal refusal) => new(
        StatusCode.Unavailable, $"the peer cannot be reached: who answers at {address} is no member of the swarm ({refusal})");

    /// <summary>One side has credentials and the other has not.</summary>
    public static Status Unlike(PeerAddress address) => new(
        StatusCode.Unavailable, $"the peer cannot be reached: at {address} only one side has credentials");

    public static Status NobodyListens(ImmutableArray<PeerAddress> addresses) => new(
        StatusCode.Unavailable, $"the peer cannot be reached: nobody listens at {string.Join(", ", addresses)}");
}
