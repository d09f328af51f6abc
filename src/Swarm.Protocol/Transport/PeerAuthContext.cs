using Grpc.Core;
using Swarm.Protocol.Membership;

namespace Swarm.Protocol.Transport;

/// <summary>The identity of a member that the transport let in.</summary>
internal sealed class PeerAuthContext : AuthContext
{
    private const string PeerProperty = "swarm_peer";
    private const string GrantProperty = "swarm_grant";

    private PeerAuthContext()
        : base(null, [])
    {
    }

    private PeerAuthContext(Member member, Dictionary<string, List<AuthProperty>> properties)
        : base(PeerProperty, properties)
    {
        Member = member;
    }

    /// <summary>Of calls without credentials.</summary>
    public static PeerAuthContext None { get; } = new();

    public Member Member { get; }

    public static PeerAuthContext Of(Member member)
    {
        var properties = new Dictionary<string, List<AuthProperty>> { [PeerProperty] = [AuthProperty.Create(PeerProperty, [.. member.Peer.ToByteString().Span])] };
        if (member.Grant is { } grant)
            properties[GrantProperty] = [AuthProperty.Create(GrantProperty, [.. grant.ToByteString().Span])];
        return new PeerAuthContext(member, properties);
    }
}
