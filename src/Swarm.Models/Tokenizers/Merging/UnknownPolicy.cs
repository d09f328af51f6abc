using System.Globalization;
using System.Text;

namespace Swarm.Models.Tokenizers.Merging;

/// <summary>What becomes of text that no token spells: byte tokens if all are there, else the unknown token, else nothing.</summary>
internal sealed class UnknownPolicy
{
    private readonly int[]? _byteTokens;

    /// <param name="vocabulary">Where byte tokens, spelled <c>&lt;0x0A&gt;</c>, are looked up.</param>
    /// <param name="byteFallback">Whether to spell unknown text by bytes.</param>
    /// <param name="unknown">The unknown token, or null.</param>
    /// <param name="fuse">Neighbouring unknowns become one.</param>
    public UnknownPolicy(Vocabulary vocabulary, bool byteFallback, int? unknown, bool fuse)
    {
        Unknown = unknown;
        Fuse = fuse;
        if (!byteFallback)
            return;
        _byteTokens = new int[256];
        for (int b = 0; b < 256; b++)
            _byteTokens[b] = vocabulary.Find("<0x" + b.ToString("X2", CultureInfo.InvariantCulture) + ">");
    }

    public int? Unknown { get; }

    public bool Fuse { get; }

    /// <summary>The byte tokens of <paramref name="text"/>'s UTF-8; false where one of them is missing, or there is no fallback.</summary>
    public bool TryBytes(ReadOnlySpan<char> text, Span<int> tokens, out int count)
    {
        count = 0;
        if (_byteTokens is null)
            return false;
        Span<byte> utf8 = stackalloc byte[4];
        foreach (Rune rune in text.EnumerateRunes())
        {
            int length = rune.EncodeToUtf8(utf8);
            foreach (byte b in utf8[..length])
            {
                if (_byteTokens[b] < 0)
                    return false;
                tokens[count++] = _byteTokens[b];
            }
        }

        return true;
    }
}
