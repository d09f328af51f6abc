using Swarm.Models;
using Swarm.Protocol;

namespace Swarm.Client.Observing;

/// <summary>A node as an observer sees it: what it announces, and whether it answers.</summary>
public sealed record ObservedNode
{
    public required PeerId Peer { get; init; }

    /// <summary>Where it is dialled, <c>host:port</c>: the address that answered, else the first announced.</summary>
    public required string Address { get; init; }

    public required ObservedState State { get; init; }

    /// <summary>Blocks that it announces.</summary>
    public required BlockSpan Blocks { get; init; }

    /// <summary>Decode speed over its blocks, tokens a second; 0 is unknown.</summary>
    public double TokensPerSecond { get; init; }

    /// <summary>Positions that its caches could still hold.</summary>
    public long CacheTokensFree { get; init; }

    /// <summary>Sessions open.</summary>
    public int Sessions { get; init; }

    /// <summary>The program's version.</summary>
    public string Version { get; init; } = "";

    /// <summary>Time of one question and its answer; null where none came.</summary>
    public TimeSpan? RoundTrip { get; init; }

    /// <summary>Time since it answered, or, for one that does not answer, since its announcement was made.</summary>
    public TimeSpan LastSeen { get; init; }

    /// <summary>The grant that it came by, 32 hexadecimal digits; empty where it says none.</summary>
    public string Grant { get; init; } = "";

    /// <summary>True when its blocks count: a new session could run through them.</summary>
    public bool Counts => State == ObservedState.Serving;
}
