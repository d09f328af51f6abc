using Swarm.Protocol;

namespace Swarm.Client;

/// <summary>Something that broke a chain.</summary>
/// <param name="Fault">What.</param>
/// <param name="Peer">Whom it concerns; null: nobody in particular.</param>
/// <param name="Reporter">The hop that says so; null where this side saw it itself.</param>
internal sealed record ChainTrouble(SwarmException Fault, PeerId? Peer, PeerId? Reporter)
{
    /// <summary>Said by one hop of another.</summary>
    public bool IsHearsay => Reporter is { } reporter && Peer is { } peer && reporter != peer;
}
