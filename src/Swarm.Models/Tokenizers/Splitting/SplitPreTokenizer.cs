using Swarm.Models.Tokenizers.Patterns;

namespace Swarm.Models.Tokenizers.Splitting;

/// <summary>Cuts at matches of a pattern.</summary>
internal sealed class SplitPreTokenizer(Pattern pattern, SplitBehavior behavior, bool invert = false) : PreTokenizer
{
    public override void Apply(Pieces pieces)
    {
        string text = pieces.Text;
        var stretches = new List<(int Start, int End, bool Match)>();
        pieces.Cut((start, end) =>
        {
            stretches.Clear();
            pattern.Cover(text.AsSpan(start, end - start), (from, to, match) => stretches.Add((start + from, start + to, match != invert)));
            Keep(pieces, stretches, behavior);
        });
    }

    internal static void Keep(Pieces pieces, List<(int Start, int End, bool Match)> stretches, SplitBehavior behavior)
    {
        for (int i = 0; i < stretches.Count; i++)
        {
            (int start, int end, bool match) = stretches[i];
            switch (behavior)
            {
                case SplitBehavior.Removed when match:
                    continue;
                case SplitBehavior.Contiguous:
                    while (i + 1 < stretches.Count && stretches[i + 1].Match == match)
                        end = stretches[++i].End;
                    break;
                // A match joins its neighbour only where that is not a match itself: of "--" the first joins, the second stands alone.
                case SplitBehavior.MergedWithPrevious when !match && i + 1 < stretches.Count && stretches[i + 1].Match:
                    end = stretches[++i].End;
                    break;
                case SplitBehavior.MergedWithNext when match && i + 1 < stretches.Count && !stretches[i + 1].Match:
                    end = stretches[++i].End;
                    break;
            }

            pieces.Keep(start, end);
        }
    }
}
