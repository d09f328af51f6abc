using System.Collections.Immutable;

namespace Swarm.Protocol.Dht;

/// <summary>What a look-up of records brought.</summary>
/// <param name="Records">Live and verified, the newest of each signer, ordered by signer.</param>
/// <param name="RoundTrips">Calls that had to wait for another's answer or silence, in a row, the last that counted included.</param>
/// <param name="PeersAsked">Peers that were called.</param>
/// <param name="PeersAnswered">Those of them that answered.</param>
public sealed record FindOutcome(ImmutableArray<FoundRecord> Records, int RoundTrips, int PeersAsked, int PeersAnswered);
