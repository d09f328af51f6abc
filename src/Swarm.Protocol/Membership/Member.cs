namespace Swarm.Protocol.Membership;

/// <summary>A peer that a gate let in.</summary>
/// <param name="Peer">Who.</param>
/// <param name="Grant">The grant that it came by; null in a public swarm for a peer without a proof.</param>
/// <param name="NotAfter">When the grant ends; null: never.</param>
public readonly record struct Member(PeerId Peer, GrantId? Grant, DateTimeOffset? NotAfter);
