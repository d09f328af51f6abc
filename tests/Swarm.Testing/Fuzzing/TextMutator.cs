using System.Text;

namespace Swarm.Testing.Fuzzing;

/// <summary>
/// Works on the words of a language: takes pieces between places where seeds can be cut, and drops, doubles, exchanges and replaces them, by those of
/// other seeds and of a vocabulary.
/// </summary>
/// <param name="cut">Cuts a seed into pieces.</param>
/// <param name="vocabulary">Pieces to put in.</param>
public sealed class TextMutator(Func<string, IReadOnlyList<string>> cut, IReadOnlyList<string> vocabulary) : IFuzzMutator
{
    private readonly Dictionary<byte[], IReadOnlyList<string>> _pieces = [];

    /// <summary>Longest input in characters.</summary>
    public int MaxLength { get; init; } = 8192;

    public byte[] Mutate(FuzzRandom random, IReadOnlyList<byte[]> seeds)
    {
        List<string> pieces = [.. Pieces(random.Pick(seeds))];
        for (int changes = 1 + random.Next(3); changes > 0; changes--)
        {
            int at = random.Next(pieces.Count);
            switch (random.Next(6))
            {
                case 0 when pieces.Count > 1:
                    pieces.RemoveAt(at);
                    break;
                case 1 when pieces.Count > 0:
                    pieces.Insert(random.Next(pieces.Count), pieces[at]);
                    break;
                case 2 when pieces.Count > 0:
                    int other = random.Next(pieces.Count);
                    (pieces[at], pieces[other]) = (pieces[other], pieces[at]);
                    break;
                case 3 when pieces.Count > 0:
                    pieces[at] = random.Pick(vocabulary);
                    break;
                case 4:
                    IReadOnlyList<string> source = Pieces(random.Pick(seeds));
                    int start = random.Next(source.Count);
                    pieces.InsertRange(at, source.Skip(start).Take(random.Next(6)));
                    break;
                default:
                    pieces.Insert(at, random.Pick(vocabulary));
                    break;
            }
        }

        string text = string.Concat(pieces);
        return Encoding.UTF8.GetBytes(text.Length > MaxLength ? text[..MaxLength] : text);
    }

    private IReadOnlyList<string> Pieces(byte[] seed)
    {
        if (!_pieces.TryGetValue(seed, out IReadOnlyList<string>? pieces))
            _pieces[seed] = pieces = cut(Encoding.UTF8.GetString(seed));
        return pieces;
    }
}
