namespace Swarm.Protocol.Directory;

/// <summary>What something heard changed in a view.</summary>
public enum DirectoryChange
{
    /// <summary>Nothing, or only how fresh it is.</summary>
    None,

    /// <summary>A peer that was not seen.</summary>
    Added,

    /// <summary>A newer announcement of a known peer.</summary>
    Updated,

    /// <summary>The peer is seen no more: it left, was found dead or was not heard of for too long.</summary>
    Removed,
}
