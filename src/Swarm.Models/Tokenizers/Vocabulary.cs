using System.Numerics;
using System.Runtime.CompilerServices;

namespace Swarm.Models.Tokenizers;

/// <summary>
/// Spellings by id and ids by spelling. The table is open addressing over the ids, at most half full. Methods that loading calls a hundred thousand times are
/// compiled optimized at once: it halves the start of a process that just tokenizes a prompt.
/// </summary>
internal sealed class Vocabulary
{
    private readonly string?[] _spellings;
    private readonly (int Hash, int Id)[] _slots;

    /// <param name="spellings">By id; null where an id has no token. Of two equal spellings the later id is found.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public Vocabulary(string?[] spellings)
    {
        _spellings = spellings;
        _slots = new (int, int)[BitOperations.RoundUpToPowerOf2((uint)Math.Max(spellings.Length, 4) * 2)];
        Array.Fill(_slots, (0, -1));
        for (int id = 0; id < spellings.Length; id++)
        {
            string? spelling = spellings[id];
            if (spelling is null)
                continue;
            if (spelling.Length > TokenizerLimits.TokenChars)
                TokenizerLimits.Check($"token {id}'s length in characters", spelling.Length, TokenizerLimits.TokenChars);

            // The runtime's hash is keyed by the process, so that no file can be made to collide.
            int hash = string.GetHashCode(spelling.AsSpan());
            _slots[Slot(spelling, hash)] = (hash, id);
        }
    }

    public int Size => _spellings.Length;

    public string? Spelling(int id) => (uint)id < (uint)_spellings.Length ? _spellings[id] : null;

    /// <summary>The id, or -1.</summary>
    public int Find(ReadOnlySpan<char> spelling) => _slots[Slot(spelling, string.GetHashCode(spelling))].Id;

    public int? FindOrNull(string? spelling) => spelling is not null && Find(spelling) is >= 0 and int id ? id : null;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Slot(ReadOnlySpan<char> spelling, int hash)
    {
        (int Hash, int Id)[] slots = _slots;
        int at = hash & (slots.Length - 1);
        while (slots[at].Id >= 0 && !(slots[at].Hash == hash && spelling.SequenceEqual(_spellings[slots[at].Id])))
            at = (at + 1) & (slots.Length - 1);
        return at;
    }
}
