using System.Collections.Immutable;

namespace Swarm.Protocol.Membership;

/// <summary>An invite that is ended.</summary>
/// <param name="Grant">Which.</param>
/// <param name="Staying">Peers that came by it and stay.</param>
public sealed record Revocation(GrantId Grant, ImmutableArray<PeerId> Staying);
