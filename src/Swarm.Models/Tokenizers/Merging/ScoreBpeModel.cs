using System.Text;

namespace Swarm.Models.Tokenizers.Merging;

/// <summary>
/// SentencePiece's byte-pair encoding: of all neighbours whose joined text is a token, the one with the best score merges first, leftmost of equal ones
/// (Kudo and Richardson 2018, section 3.1). There is no list of merges; a neighbour may be a character without a token of its own.
/// </summary>
internal sealed class ScoreBpeModel : TokenModel
{
    private readonly Vocabulary _vocabulary;
    private readonly uint[] _priorities;
    private readonly UnknownPolicy _unknown;

    /// <param name="vocabulary">Spellings.</param>
    /// <param name="scores">By id; higher is better.</param>
    /// <param name="mergeable">By id: whether text may merge into the token. Control and byte tokens are no results of merging.</param>
    /// <param name="unknown">What becomes of characters that stay without a token.</param>
    public ScoreBpeModel(Vocabulary vocabulary, ReadOnlySpan<float> scores, ReadOnlySpan<bool> mergeable, UnknownPolicy unknown)
    {
        _vocabulary = vocabulary;
        _unknown = unknown;
        _priorities = new uint[scores.Length];
        for (int id = 0; id < scores.Length; id++)
        {
            if (float.IsNaN(scores[id]))
                throw new ModelException(ModelError.CorruptModel, $"GGUF tokenizer.ggml.scores has NaN for token {id}.");
            _priorities[id] = mergeable[id] ? Priority(scores[id]) : uint.MaxValue;
        }
    }

    public override void Encode(ReadOnlySpan<char> piece, MergeScratch scratch, List<int> ids)
    {
        scratch.Clear();
        for (int at = 0; at < piece.Length;)
        {
            Rune.DecodeFromUtf16(piece[at..], out _, out int length);
            int id = _vocabulary.Find(piece.Slice(at, length));
            scratch.Add(id >= 0 && _priorities[id] != uint.MaxValue ? id : -1, at, length);
            at += length;
        }

        if (scratch.Count == 0)
            return;
        scratch.Merge(new ScoreRule(_vocabulary, _priorities), piece);
        bool lastUnknown = false;
        Span<int> bytes = stackalloc int[4];
        for (int i = 0; i >= 0; i = scratch.Symbols[i].Next)
        {
            MergeScratch.Symbol symbol = scratch.Symbols[i];
            bool unknown = false;
            if (symbol.Id >= 0)
            {
                ids.Add(symbol.Id);
            }
            else if (_unknown.TryBytes(piece.Slice(symbol.Start, symbol.Length), bytes, out int count))
            {
                ids.AddRange(bytes[..count]);
            }
            else
            {
                unknown = true;
                if (_unknown.Unknown is { } token && !lastUnknown)
                    ids.Add(token);
            }

            lastUnknown = unknown;
        }
    }

    /// <summary>Lower for higher scores; the very highest number is left free.</summary>
    private static uint Priority(float score)
    {
        uint bits = BitConverter.SingleToUInt32Bits(score + 0f);
        bits = (bits & 0x80000000) != 0 ? ~bits : bits | 0x80000000;
        return ~bits;
    }

    private readonly struct ScoreRule(Vocabulary vocabulary, uint[] priorities) : IMergeRule
    {
        public bool TryMerge(ReadOnlySpan<char> piece, in MergeScratch.Symbol left, in MergeScratch.Symbol right, out uint priority, out int id)
        {
            id = vocabulary.Find(piece[left.Start..(right.Start + right.Length)]);
            priority = id >= 0 ? priorities[id] : uint.MaxValue;
            return priority != uint.MaxValue;
        }
    }
}
