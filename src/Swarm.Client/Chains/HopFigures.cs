using Swarm.Models;
using Swarm.Protocol;

namespace Swarm.Client;

/// <summary>What one hop did for a session, in total.</summary>
/// <param name="Peer">Who; null for this process.</param>
/// <param name="Address">host:port, or <c>local</c>.</param>
/// <param name="Blocks">What it computed.</param>
/// <param name="ComputeSeconds">On its compute device.</param>
/// <param name="QueueSeconds">Between complete arrival and the start of computing.</param>
/// <param name="NetworkSeconds">The way into this hop, measured by the clock of the one before it (the client, for the first).</param>
/// <param name="ForwardedDirectly">Steps sent straight to the next hop or, by the last, straight to the client.</param>
/// <param name="HiddenBytes">Bytes of hidden states that it sent on.</param>
/// <param name="HiddenValues">Values that these encode.</param>
/// <param name="Tokens">Tokens computed.</param>
/// <param name="Passes">Passes over the weights; fewer than steps when sessions shared them.</param>
public sealed record HopFigures(
    PeerId? Peer, string Address, BlockSpan Blocks, double ComputeSeconds, double QueueSeconds, double NetworkSeconds,
    long ForwardedDirectly, long HiddenBytes, long HiddenValues, long Tokens, long Passes)
{
    /// <summary>Of <see cref="Tokens"/>: positions with which the hop was filled after a recovery.</summary>
    public long ReplayedTokens { get; init; }

    /// <summary>Positions that the hop had from an earlier session of this client when this one began; not among <see cref="Tokens"/>.</summary>
    public long PrefixTokens { get; init; }

    /// <summary>Of <see cref="Tokens"/>: positions that the hop had computed before, not counting those that the session itself went back over.</summary>
    public long RecomputedTokens { get; init; }
}
