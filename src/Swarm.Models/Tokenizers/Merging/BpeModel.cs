using System.Text;

namespace Swarm.Models.Tokenizers.Merging;

/// <summary>
/// Byte-pair encoding by a list of merges: the piece's characters are symbols, and the earliest rule of the list that fits any two neighbours is
/// applied, leftmost first, until none fits (Sennrich et al. 2016, section 3.2).
/// </summary>
internal sealed class BpeModel : TokenModel
{
    private const int CharTableSize = 0x200;

    private readonly Vocabulary _vocabulary;
    private readonly PairTable _merges;
    private readonly UnknownPolicy _unknown;
    private readonly bool _ignoreMerges;
    private readonly int[] _idOfChar = new int[CharTableSize];

    /// <param name="ignoreMerges">A piece that is a token as a whole is that token, whatever merges would make of it.</param>
    public BpeModel(Vocabulary vocabulary, PairTable merges, UnknownPolicy unknown, bool ignoreMerges)
    {
        _vocabulary = vocabulary;
        _merges = merges;
        _unknown = unknown;
        _ignoreMerges = ignoreMerges;
        for (int c = 0; c < CharTableSize; c++)
            _idOfChar[c] = vocabulary.Find([(char)c]);
    }

    public override void Encode(ReadOnlySpan<char> piece, MergeScratch scratch, List<int> ids)
    {
        if (_ignoreMerges && _vocabulary.Find(piece) is >= 0 and int whole)
        {
            ids.Add(whole);
            return;
        }

        scratch.Clear();
        AddSymbols(piece, scratch);
        if (scratch.Count == 0)
            return;
        scratch.Merge(new RankRule(_merges), piece);
        for (int i = 0; i >= 0; i = scratch.Symbols[i].Next)
            ids.Add(scratch.Symbols[i].Id);
    }

    private void AddSymbols(ReadOnlySpan<char> piece, MergeScratch scratch)
    {
        bool lastUnknown = false;
        Span<int> bytes = stackalloc int[4];
        for (int at = 0; at < piece.Length;)
        {
            char c = piece[at];
            int length = 1, id;
            if (c < CharTableSize)
            {
                id = _idOfChar[c];
            }
            else
            {
                Rune.DecodeFromUtf16(piece[at..], out _, out length);
                id = _vocabulary.Find(piece.Slice(at, length));
            }

            if (id >= 0)
            {
                scratch.Add(id, at, length);
                lastUnknown = false;
            }
            else if (_unknown.TryBytes(piece.Slice(at, length), bytes, out int count))
            {
                foreach (int b in bytes[..count])
                    scratch.Add(b, at, length);
                lastUnknown = false;
            }
            else if (_unknown.Unknown is { } token && !(_unknown.Fuse && lastUnknown))
            {
                scratch.Add(token, at, length);
                lastUnknown = true;
            }

            at += length;
        }
    }

    private readonly struct RankRule(PairTable _merges) : IMergeRule
    {
        public bool TryMerge(ReadOnlySpan<char> piece, in MergeScratch.Symbol left, in MergeScratch.Symbol right, out uint priority, out int id) =>
            _merges.TryGet(left.Id, right.Id, out priority, out id);
    }
}
