namespace Swarm.Models.Tokenizers.Merging;

/// <summary>Says whether two neighbours may merge, how early (lower is earlier), and into what.</summary>
internal interface IMergeRule
{
    bool TryMerge(ReadOnlySpan<char> piece, in MergeScratch.Symbol left, in MergeScratch.Symbol right, out uint priority, out int id);
}
