using System.Collections.Immutable;

namespace Swarm.Protocol.Dht;

/// <summary>What came of an attempt to join.</summary>
/// <param name="Contacts">Peers in the table now.</param>
/// <param name="Faults">Why endpoints did not serve, one for each that failed: unreachable, another version, not a member.</param>
public sealed record JoinOutcome(int Contacts, ImmutableArray<SwarmException> Faults);
