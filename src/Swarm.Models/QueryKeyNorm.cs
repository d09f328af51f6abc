namespace Swarm.Models;

/// <summary>Norms of queries and keys before they are turned.</summary>
public enum QueryKeyNorm : byte
{
    None,

    /// <summary>Of each head by itself, with weights [headDimension] that all heads share.</summary>
    Head,

    /// <summary>Of all heads of a token together, with weights [heads · headDimension].</summary>
    Token,
}
