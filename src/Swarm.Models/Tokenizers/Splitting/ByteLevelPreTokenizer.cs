using Swarm.Models.Tokenizers.Patterns;

namespace Swarm.Models.Tokenizers.Splitting;

/// <summary>GPT-2's step: a prefix space if asked, cuts by its expression if asked, then every byte in its printable spelling.</summary>
internal sealed class ByteLevelPreTokenizer(bool addPrefixSpace, bool useRegex) : PreTokenizer
{
    public const string Gpt2Expression = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    private readonly SplitPreTokenizer? _split = useRegex ? new SplitPreTokenizer(Pattern.Parse(Gpt2Expression), SplitBehavior.Isolated) : null;

    public override void Apply(Pieces pieces)
    {
        if (addPrefixSpace)
            pieces.Rewrite((builder, start, end) =>
            {
                if (pieces.Text[start] != ' ')
                    builder.Append(' ');
                builder.Append(pieces.Text, start, end - start);
            });
        _split?.Apply(pieces);
        pieces.Rewrite((builder, start, end) => ByteAlphabet.AppendSpelling(builder, pieces.Span((start, end))));
    }
}
