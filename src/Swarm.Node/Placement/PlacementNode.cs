using Swarm.Models;
using Swarm.Protocol;

namespace Swarm.Node.Placement;

/// <summary>A node as placement sees it: what its newest announcement says, or, for the caller itself, what is so.</summary>
/// <param name="Peer">Who.</param>
/// <param name="State">Whether its blocks count.</param>
/// <param name="Blocks">What it serves now; empty while it joins.</param>
public sealed record PlacementNode(PeerId Peer, PlacementState State, BlockSpan Blocks)
{
    /// <summary>What it means to serve next; null: no change is meant.</summary>
    public BlockSpan? Intent { get; init; }

    /// <summary>
    /// Whether the intent had its turn (<see cref="MoveVerdict.Go"/>) and is being loaded. Until then it is a claim that yields to better ranked ones; from then on everybody yields to it.
    /// </summary>
    public bool IntentConfirmed { get; init; }

    /// <summary>Blocks that its memory holds. 0: it stays where it is, as its operator said.</summary>
    public int Capacity { get; init; }

    /// <summary>Tokens a second through one block, measured; 0 or less: unknown, taken as the swarm's median. Over a span of n blocks it carries 1/n of it.</summary>
    public double BlockTokensPerSecond { get; init; }
}
