using Swarm.Models;
using Swarm.Protocol;

namespace Swarm.Client;

/// <summary>A chain that was mended, or left a hop behind, while its session went on.</summary>
/// <param name="Reason">The fault's code, such as <c>PeerLost</c>, or <c>Leaving</c>, <c>PeerSlow</c>.</param>
/// <param name="Peer">Who is not part of the chain any more, or whose word broke it.</param>
/// <param name="Blocks">What that peer computed.</param>
/// <param name="ReplayedTokens">Positions with which hops that did not hold the session were filled.</param>
/// <param name="ReplayDepth">Hops in a row that had to be filled anew, at the most: 1 where one was replaced.</param>
/// <param name="RecomputedDownstreamTokens">Positions that hops after the lost one computed again although they had kept them: 0 unless something else failed too.</param>
/// <param name="Pause">From noticing the fault to the first result after it; to the open chain where no step was under way.</param>
/// <param name="Epoch">Times that the chain was replaced, this one included.</param>
public sealed record ChainRecovery(
    string Reason, PeerId? Peer, BlockSpan Blocks, int ReplayedTokens, int ReplayDepth, long RecomputedDownstreamTokens, TimeSpan Pause, int Epoch);
