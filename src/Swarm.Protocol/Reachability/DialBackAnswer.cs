using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;

namespace Swarm.Protocol.Reachability;

/// <summary>What one peer found when it dialled back.</summary>
/// <param name="Outcome">What became of the dial.</param>
/// <param name="Observed">The address that it saw and dialled; null when it dialled none.</param>
public readonly record struct DialBackAnswer(DialBackOutcome Outcome, PeerAddress? Observed);
