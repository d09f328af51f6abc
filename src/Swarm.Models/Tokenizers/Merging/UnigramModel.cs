using System.Text;

namespace Swarm.Models.Tokenizers.Merging;

/// <summary>
/// The unigram language model: of all ways to cut a piece into tokens, the one whose scores add up highest (Kudo 2018, section 3.2), by Viterbi's algorithm.
/// </summary>
internal sealed class UnigramModel : TokenModel
{
    /// <summary>How much worse than the worst token an unknown character is; SentencePiece's constant.</summary>
    private const double UnknownPenalty = 10;

    private readonly Vocabulary _vocabulary;
    private readonly double[] _scores;
    private readonly UnknownPolicy _unknown;
    private readonly double _unknownScore;
    private readonly int _longest;

    public UnigramModel(Vocabulary vocabulary, double[] scores, UnknownPolicy unknown)
    {
        _vocabulary = vocabulary;
        _scores = scores;
        _unknown = unknown;
        double worst = double.PositiveInfinity;
        for (int id = 0; id < scores.Length; id++)
        {
            if (!double.IsFinite(scores[id]))
                throw new ModelException(ModelError.CorruptModel, $"The unigram score of token {id} is {scores[id]}; expected a finite number.");
            worst = Math.Min(worst, scores[id]);
            _longest = Math.Max(_longest, vocabulary.Spelling(id)?.Length ?? 0);
        }

        _unknownScore = worst - UnknownPenalty;
    }

    public override void Encode(ReadOnlySpan<char> piece, MergeScratch scratch, List<int> ids)
    {
        var best = new (double Score, int From, int Id)[piece.Length + 1];
        for (int i = 1; i < best.Length; i++)
            best[i] = (0, -1, -1);
        for (int at = 0; at < piece.Length;)
        {
            Rune.DecodeFromUtf16(piece[at..], out _, out int characterLength);
            bool single = false;
            for (int length = 1; length <= Math.Min(_longest, piece.Length - at); length++)
            {
                int id = _vocabulary.Find(piece.Slice(at, length));
                if (id < 0 || id >= _scores.Length)
                    continue;
                single |= length == characterLength;
                Offer(best, at, length, _scores[id], id);
            }

            if (!single)
                Offer(best, at, characterLength, _unknownScore, -1);
            at += characterLength;
        }

        Emit(piece, best, ids);
    }

    /// <summary>A tie keeps the cut found first, which began further left.</summary>
    private static void Offer((double Score, int From, int Id)[] best, int at, int length, double score, int id)
    {
        ref (double Score, int From, int Id) end = ref best[at + length];
        double total = best[at].Score + score;
        if (end.From < 0 || total > end.Score)
            end = (total, at, id);
    }

    private void Emit(ReadOnlySpan<char> piece, (double Score, int From, int Id)[] best, List<int> ids)
    {
        var cuts = new Stack<int>();
        for (int end = piece.Length; end > 0; end = best[end].From)
            cuts.Push(end);
        Span<int> bytes = stackalloc int[4];
        bool lastUnknown = false;
        while (cuts.TryPop(out int end))
        {
            (_, int from, int id) = best[end];
            bool unknown = id < 0 || id == _unknown.Unknown;
            if (!unknown)
                ids.Add(id);

            // An unknown cut is one character, unless the text spells the unknown token itself.
            else if (id < 0 && _unknown.TryBytes(piece[from..end], bytes, out int count))
                ids.AddRange(bytes[..count]);
            else if (!lastUnknown)
                ids.Add(_unknown.Unknown ?? throw new ModelException(ModelError.UnsupportedModel, "The text has a character that this unigram vocabulary lacks, and it names no unknown token."));
            lastUnknown = unknown;
        }
    }
}
