namespace Swarm.Node.Placement;

/// <summary>What becomes of an announced intent.</summary>
public enum MoveVerdict
{
    /// <summary>Its turn has not come: ask again with the next snapshot, a few hundred milliseconds later.</summary>
    Wait,

    /// <summary>Announce it as confirmed, load the difference.</summary>
    Go,

    /// <summary>Take the intent back: a better claim fills the gap, or a block would lose its last replica.</summary>
    Yield,
}
