using System.Collections;
using System.Text;
using Swarm.Models.Tokenizers.Patterns;

namespace Swarm.Models.Tokenizers;

/// <summary>Finds added tokens in a text, leftmost first and of those the longest, by a trie.</summary>
internal sealed class AddedTokenMatcher
{
    private readonly Dictionary<long, int> _edges = [];
    private readonly List<AddedToken?> _accepted = [null];
    private readonly BitArray _firstChars = new(char.MaxValue + 1);

    /// <param name="tokens">Tokens with the text to look for; an empty text never matches.</param>
    public AddedTokenMatcher(IEnumerable<(AddedToken Token, string Text)> tokens)
    {
        foreach ((AddedToken token, string text) in tokens)
        {
            if (text.Length == 0)
                continue;
            int node = 0;
            foreach (char c in text)
            {
                if (!_edges.TryGetValue(Edge(node, c), out int next))
                {
                    next = _accepted.Count;
                    _accepted.Add(null);
                    _edges.Add(Edge(node, c), next);
                }

                node = next;
            }

            _accepted[node] = token;
            _firstChars[text[0]] = true;
        }
    }

    public bool IsEmpty => _accepted.Count == 1;

    /// <summary>The next match from <paramref name="from"/> on, or null. A token that must stand alone and does not is passed over whole.</summary>
    public AddedToken? Find(ReadOnlySpan<char> text, int from, out int start, out int end)
    {
        // White space swallowed to the left never reaches into what came before this call's start.
        int floor = from;
        for (int i = from; i < text.Length; i++)
        {
            if (!_firstChars[text[i]] || Longest(text, i, out int length) is not { } token)
                continue;
            if (token.SingleWord && !StandsAlone(text, i, i + length))
            {
                i += length - 1;
                continue;
            }

            start = i;
            end = i + length;
            if (token.StripLeft)
                while (start > floor && CodePointSet.IsWhiteSpace(text[start - 1]))
                    start--;
            if (token.StripRight)
                while (end < text.Length && CodePointSet.IsWhiteSpace(text[end]))
                    end++;
            return token;
        }

        start = end = text.Length;
        return null;
    }

    private static long Edge(int node, char c) => ((long)node << 16) | c;

    private AddedToken? Longest(ReadOnlySpan<char> text, int at, out int length)
    {
        AddedToken? best = null;
        length = 0;
        int node = 0;
        for (int i = at; i < text.Length && _edges.TryGetValue(Edge(node, text[i]), out node); i++)
        {
            if (_accepted[node] is not { } token)
                continue;
            best = token;
            length = i + 1 - at;
        }

        return best;
    }

    private static bool StandsAlone(ReadOnlySpan<char> text, int start, int end)
    {
        bool before = Rune.DecodeLastFromUtf16(text[..start], out Rune left, out _) == System.Buffers.OperationStatus.Done && CodePointSet.Word.Contains(left.Value);
        bool after = Rune.DecodeFromUtf16(text[end..], out Rune right, out _) == System.Buffers.OperationStatus.Done && CodePointSet.Word.Contains(right.Value);
        return !before && !after;
    }
}
