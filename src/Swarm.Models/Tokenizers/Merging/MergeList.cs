namespace Swarm.Models.Tokenizers.Merging;

/// <summary>Reads merge rules, earliest first.</summary>
internal static class MergeList
{
    /// <summary>From lines "left right".</summary>
    public static PairTable Build(IReadOnlyList<string> lines, Vocabulary vocabulary)
    {
        var builder = new Builder(vocabulary, lines.Count);
        foreach (string line in lines)
        {
            // A token may be a space itself only in files that give pairs, so the first space behind the first character parts the two.
            int space = line.Length > 1 ? line.IndexOf(' ', 1) : -1;
            if (space < 0 || space == line.Length - 1)
                throw new ModelException(ModelError.CorruptModel, $"Tokenizer merge {builder.Count} is '{Shorten(line)}'; expected two tokens with a space between.");
            builder.Add(line.AsSpan(0, space), line.AsSpan(space + 1));
        }

        return builder.Table;
    }

    /// <summary>From pairs.</summary>
    public static PairTable Build(IReadOnlyList<(string Left, string Right)> pairs, Vocabulary vocabulary)
    {
        var builder = new Builder(vocabulary, pairs.Count);
        foreach ((string left, string right) in pairs)
            builder.Add(left, right);
        return builder.Table;
    }

    private static string Shorten(string text) => text.Length > 80 ? text[..80] + "…" : text;

    private sealed class Builder(Vocabulary vocabulary, int count)
    {
        private char[] joined = new char[64];

        public PairTable Table { get; } = new(TokenizerLimits.Check("merge count", count, TokenizerLimits.Merges));

        public int Count { get; private set; }

        public void Add(ReadOnlySpan<char> left, ReadOnlySpan<char> right)
        {
            int length = left.Length + right.Length;
            if (length > joined.Length)
                joined = new char[TokenizerLimits.Check($"merge {Count}'s length in characters", length, 2 * TokenizerLimits.TokenChars) * 2];
            left.CopyTo(joined);
            right.CopyTo(joined.AsSpan(left.Length));
            Table.Set(Find(left), Find(right), (uint)Count, Find(joined.AsSpan(0, length)));
            Count++;
        }

        private int Find(ReadOnlySpan<char> token)
        {
            int id = vocabulary.Find(token);
            return id >= 0 ? id
                : throw new ModelException(ModelError.CorruptModel, $"Tokenizer merge {Count} names '{Shorten(token.ToString())}', which is not in the vocabulary.");
        }
    }
}
