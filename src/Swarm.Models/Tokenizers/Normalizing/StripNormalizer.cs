using Swarm.Models.Tokenizers.Patterns;

namespace Swarm.Models.Tokenizers.Normalizing;

/// <summary>Takes white space from the ends.</summary>
internal sealed class StripNormalizer(bool left, bool right) : Normalizer
{
    public override string Apply(string text)
    {
        int start = 0, end = text.Length;
        while (left && start < end && CodePointSet.IsWhiteSpace(text[start]))
            start++;
        while (right && end > start && CodePointSet.IsWhiteSpace(text[end - 1]))
            end--;
        return text[start..end];
    }
}
