namespace Swarm.Models;

/// <summary>How a token knows where it stands.</summary>
public enum PositionKind : byte
{
    /// <summary>Queries and keys are turned (arXiv 2104.09864).</summary>
    Rotary,

    /// <summary>A learned vector for each position is added to the embedding.</summary>
    Learned,

    /// <summary>Scores fall with the distance, by a slope for each head (ALiBi, arXiv 2108.12409).</summary>
    Slopes,

    /// <summary>The same with slopes divided by √HeadDimension, as Falcon has it.</summary>
    ScaledSlopes,
}
