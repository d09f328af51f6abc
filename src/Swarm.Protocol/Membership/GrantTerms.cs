namespace Swarm.Protocol.Membership;

/// <summary>What a new invite allows. The default never ends, is private and has no label.</summary>
public sealed record GrantTerms
{
    /// <summary>When nobody joins, or connects, by it any more; to the second. Null: never.</summary>
    public DateTimeOffset? NotAfter { get; init; }

    /// <summary>The swarm is public: its members also accept who has no proof at all.</summary>
    public bool Public { get; init; }

    /// <summary>For people, at most 64 characters.</summary>
    public string Label { get; init; } = "";
}
