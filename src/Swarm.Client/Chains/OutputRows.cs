namespace Swarm.Client;

/// <summary>Which rows of the last block's output a step gives back.</summary>
public enum OutputRows
{
    /// <summary>None: the step only fills the caches.</summary>
    None,

    /// <summary>The last token's.</summary>
    Last,

    /// <summary>All tokens'.</summary>
    All,
}
