using Swarm.Models;
using Swarm.Protocol;

namespace Swarm.Client;

/// <summary>Why a chain is opened anew.</summary>
/// <param name="Noticed">When, by the clock's timestamp.</param>
internal sealed record MendCause(long Noticed)
{
    /// <summary>A word for the event; null as long as nothing is known.</summary>
    public string? Reason { get; set; }

    public PeerId? Peer { get; set; }

    public BlockSpan Blocks { get; set; }

    /// <summary>The hop still works: the chain stays as it is if nobody else serves its blocks.</summary>
    public bool IsPolite { get; init; }

    /// <summary>Nothing is wrong; only another epoch is wanted.</summary>
    public bool IsRenewal { get; init; }

    /// <summary>The event, once the chain is open again.</summary>
    public ChainRecovery? Recovery { get; set; }
}
