namespace Swarm.Models;

/// <summary>How attention and feed-forward of a block are joined.</summary>
public enum BlockWiring : byte
{
    /// <summary>Feed-forward reads what attention was added to.</summary>
    Sequential,

    /// <summary>Both read what the block begins with, each through a norm of its own.</summary>
    Parallel,

    /// <summary>Both read what the block begins with, through the same norm.</summary>
    ParallelSharedNorm,
}
