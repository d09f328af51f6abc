namespace Swarm.Models.Tokenizers.Splitting;

/// <summary>What becomes of the stretches that a split's pattern matched.</summary>
internal enum SplitBehavior
{
    Removed,
    Isolated,
    MergedWithPrevious,
    MergedWithNext,
    Contiguous,
}
