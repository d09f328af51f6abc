namespace Swarm.Models.Tokenizers.Merging;

/// <summary>Turns one piece into ids.</summary>
internal abstract class TokenModel
{
    public abstract void Encode(ReadOnlySpan<char> piece, MergeScratch scratch, List<int> ids);
}
