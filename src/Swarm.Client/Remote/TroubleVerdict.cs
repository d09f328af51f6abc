using Swarm.Protocol;

namespace Swarm.Client;

/// <summary>What a trouble means for the session.</summary>
/// <param name="Response">What to do.</param>
/// <param name="Report">The directory is told of the peer's fault: this side saw it.</param>
/// <param name="Suspect">The directory is asked to look: somebody said so.</param>
internal readonly record struct TroubleVerdict(FaultResponse Response, bool Report, bool Suspect);
