namespace Swarm.Kernels;

/// <summary>How the experts of a token are chosen and weighed.</summary>
/// <param name="Experts">Experts of a block.</param>
/// <param name="Chosen">How many of them compute for a token.</param>
/// <param name="Scores">What becomes of a logit.</param>
public readonly record struct RouterShape(int Experts, int Chosen, RouterScores Scores)
{
    /// <summary>Equal groups of neighbouring experts; <see cref="Experts"/> is a multiple.</summary>
    public int Groups { get; init; } = 1;

    /// <summary>Groups with the best scores, outside of which none is chosen.</summary>
    public int ChosenGroups { get; init; } = 1;

    /// <summary>A group's score is the sum of its two best experts' (DeepSeek-V3); else its best expert's (DeepSeek-V2).</summary>
    public bool GroupsBySumOfTwo { get; init; }

    /// <summary>With <see cref="RouterScores.Sigmoid"/>: the weights are divided by their sum.</summary>
    public bool Renormalized { get; init; }

    /// <summary>Factor on the weights.</summary>
    public float Scale { get; init; } = 1f;
}
