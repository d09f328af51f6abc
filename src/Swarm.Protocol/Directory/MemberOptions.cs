using Swarm.Protocol.Dht;
using Swarm.Protocol.Membership;
using Swarm.Protocol.Transport;

namespace Swarm.Protocol.Directory;

/// <summary>What a <see cref="SwarmMember"/> is made with.</summary>
public sealed record MemberOptions
{
    /// <summary>Who it is.</summary>
    public required PeerKey Key { get; init; }

    /// <summary>Whether the key is disposed with the member.</summary>
    public bool OwnsKey { get; init; }

    /// <summary>What makes it a member.</summary>
    public required SwarmInvite Invite { get; init; }

    /// <summary>Makes the transport, which the member then owns.</summary>
    public required Func<PeerCredentials, ITransport> Transport { get; init; }

    /// <summary>Looks only: it answers nobody and is entered nowhere.</summary>
    public bool IsClient { get; init; }

    /// <summary>Time that one request may take.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How it takes part in the DHT.</summary>
    public DhtOptions Dht { get; init; } = new();

    public required TimeProvider Time { get; init; }

    public required IRandomSource Random { get; init; }
}
