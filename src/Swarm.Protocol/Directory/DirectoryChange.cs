namespace Swarm.Protocol.Directory;

/// <summary>What an announcement changed in a table.</summary>
public enum DirectoryChange
{
    /// <summary>Nothing, or only how fresh it is.</summary>
    None,

    /// <summary>A peer that was not known.</summary>
    Added,

    /// <summary>A newer announcement of a known peer.</summary>
    Updated,
}
