namespace Swarm.Node.Placement;

/// <summary>What a node's blocks mean to the placement of others.</summary>
public enum PlacementState
{
    /// <summary>Serves nothing yet; its intent says what it will.</summary>
    Joining,

    /// <summary>Serves its blocks.</summary>
    Serving,

    /// <summary>About to go, paused or not reachable: its blocks are counted as gone.</summary>
    Leaving,
}
