using System.Runtime.CompilerServices;

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
        private char[] _joined = new char[64];
        private int _result = -1;

        public PairTable Table { get; } = new(TokenizerLimits.Check("merge count", count, TokenizerLimits.Merges));

        public int Count { get; private set; }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Add(ReadOnlySpan<char> left, ReadOnlySpan<char> right)
        {
            int leftId = Find(left), rightId = Find(right);

            // Vocabularies list tokens as their merges made them, so the result is nearly always the token behind the last one.
            if (_result < 0 || !IsJoined(vocabulary.Spelling(_result + 1), left, right))
                _result = FindJoined(left, right);
            else
                _result++;
            Table.Set(leftId, rightId, (uint)Count, _result);
            Count++;
        }

        private static bool IsJoined(string? token, ReadOnlySpan<char> left, ReadOnlySpan<char> right) =>
            token is not null && token.Length == left.Length + right.Length
            && token.AsSpan(0, left.Length).SequenceEqual(left) && token.AsSpan(left.Length).SequenceEqual(right);

        private int FindJoined(ReadOnlySpan<char> left, ReadOnlySpan<char> right)
        {
            int length = TokenizerLimits.Check($"merge {Count}'s length in characters", left.Length + right.Length, 2 * TokenizerLimits.TokenChars);
            if (length > _joined.Length)
                _joined = new char[2 * length];
            left.CopyTo(_joined);
            right.CopyTo(_joined.AsSpan(left.Length));
            return Find(_joined.AsSpan(0, length));
        }

        private int Find(ReadOnlySpan<char> token)
        {
            int id = vocabulary.Find(token);
            return id >= 0 ? id
                : throw new ModelException(ModelError.CorruptModel, $"Tokenizer merge {Count} names '{Shorten(token.ToString())}', which is not in the vocabulary.");
        }
    }
}
