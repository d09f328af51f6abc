namespace Swarm.Client.Observing;

/// <summary>The rules of a swarm's status, most urgent first; their names are stable words for scripts.</summary>
public enum StatusAlertCode
{
    /// <summary>No node announces the model.</summary>
    NoNodes,

    /// <summary>Blocks that no node serves: no generation runs.</summary>
    UncoveredBlocks,

    /// <summary>A node is announced but nobody can dial it.</summary>
    UnreachableNode,

    /// <summary>Blocks whose every node is out of cache: new sessions are refused.</summary>
    NoFreeCache,

    /// <summary>Blocks that one node alone serves: its loss ends generations.</summary>
    SingleReplica,

    /// <summary>Nodes run different versions of the program.</summary>
    VersionMix,
}
