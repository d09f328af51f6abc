using System.Text;
using Swarm.Models.Tokenizers.Patterns;

namespace Swarm.Models.Tokenizers.Splitting;

/// <summary>Cuts at single characters of a set: digits, punctuation, white space.</summary>
internal sealed class CharacterSplitPreTokenizer(CodePointSet set, SplitBehavior behavior) : PreTokenizer
{
    public override void Apply(Pieces pieces)
    {
        string text = pieces.Text;
        var stretches = new List<(int Start, int End, bool Match)>();
        pieces.Cut((start, end) =>
        {
            stretches.Clear();
            for (int at = start, open = start; at < end;)
            {
                Rune.DecodeFromUtf16(text.AsSpan(at, end - at), out Rune rune, out int length);
                if (set.Contains(rune.Value))
                {
                    if (at > open)
                        stretches.Add((open, at, false));
                    stretches.Add((at, at + length, true));
                    open = at + length;
                }

                at += length;
                if (at == end && open < end)
                    stretches.Add((open, end, false));
            }

            SplitPreTokenizer.Keep(pieces, stretches, behavior);
        });
    }
}
