namespace Swarm.Models.Tokenizers;

/// <summary>Spellings by id and ids by spelling.</summary>
internal sealed class Vocabulary
{
    private readonly string?[] _spellings;
    private readonly Dictionary<string, int> _ids;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _lookup;

    /// <param name="spellings">By id; null where an id has no token. Of two equal spellings the later id is found.</param>
    public Vocabulary(string?[] spellings)
    {
        _spellings = spellings;
        _ids = new Dictionary<string, int>(spellings.Length, StringComparer.Ordinal);
        for (int id = 0; id < spellings.Length; id++)
        {
            string? spelling = spellings[id];
            if (spelling is null)
                continue;
            TokenizerLimits.Check($"token {id}'s length in characters", spelling.Length, TokenizerLimits.TokenChars);
            _ids[spelling] = id;
        }

        _lookup = _ids.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    public int Size => _spellings.Length;

    public string? Spelling(int id) => (uint)id < (uint)_spellings.Length ? _spellings[id] : null;

    /// <summary>The id, or -1.</summary>
    public int Find(ReadOnlySpan<char> spelling) => _lookup.TryGetValue(spelling, out int id) ? id : -1;

    public int? FindOrNull(string? spelling) => spelling is not null && _ids.TryGetValue(spelling, out int id) ? id : null;
}
