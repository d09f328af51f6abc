namespace Swarm.Protocol;

/// <summary>What a fault that this side saw itself costs the peer's standing. What one peer says of another costs nothing: it is looked into.</summary>
public enum FaultCost
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>Routes go around the peer until it answers a probe.</summary>
    HiddenUntilProbe,

    /// <summary>Routes go around the peer for a minute at least.</summary>
    HiddenForAMinute,
}
