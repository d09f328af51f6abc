namespace Swarm.Node.Placement;

/// <summary>In which order a node that moves loads and drops.</summary>
public enum MoveOrder
{
    /// <summary>The new blocks come beside the old: nothing is missed at any time.</summary>
    LoadFirst,

    /// <summary>Blocks that are not kept go first: the node serves fewer for as long as it loads.</summary>
    DropFirst,
}
