using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Swarm.Models.Tokenizers.Normalizing;

/// <summary>
/// SentencePiece's precompiled map: a double-array trie over UTF-8 (4 bytes of its size, then its units) whose values are offsets into the
/// replacements that follow, each ended by a zero byte. Applied by grapheme clusters, as the reference library does.
/// </summary>
internal sealed class CharsMapNormalizer : Normalizer
{
    /// <summary>Longer clusters are not looked up whole.</summary>
    private const int ClusterBytes = 6;

    /// <summary>The longest in Unicode's own mappings has 33.</summary>
    private const int ReplacementBytes = 256;

    private readonly uint[] _units;
    private readonly byte[] _replacements;

    public CharsMapNormalizer(byte[] map)
    {
        uint size = map.Length >= 4 ? BinaryPrimitives.ReadUInt32LittleEndian(map) : uint.MaxValue;
        if (size % 4 != 0 || size > map.Length - 4)
            throw new ModelException(ModelError.CorruptModel, $"Precompiled charsmap has {map.Length} bytes and names a trie of {size}.");
        _units = new uint[size / 4];
        for (int i = 0; i < _units.Length; i++)
            _units[i] = BinaryPrimitives.ReadUInt32LittleEndian(map.AsSpan(4 + (4 * i)));
        _replacements = map[(4 + (int)size)..];
    }

    public override string Apply(string text)
    {
        var builder = new StringBuilder(text.Length);
        for (int at = 0; at < text.Length;)
        {
            int length = StringInfo.GetNextTextElementLength(text, at);
            ReadOnlySpan<char> cluster = text.AsSpan(at, length);
            at += length;
            if (Encoding.UTF8.GetByteCount(cluster) < ClusterBytes && Find(cluster) is { } whole)
            {
                builder.Append(whole);
                continue;
            }

            while (cluster.Length > 0)
            {
                Rune.DecodeFromUtf16(cluster, out Rune rune, out int count);
                builder.Append(Find(cluster[..count]) ?? rune.ToString());
                cluster = cluster[count..];
            }
        }

        return builder.ToString();
    }

    /// <summary>The replacement for the shortest prefix in the map, or null. The reference takes the shortest, not the longest.</summary>
    private string? Find(ReadOnlySpan<char> text)
    {
        Span<byte> utf8 = stackalloc byte[3 * text.Length];
        int length = Encoding.UTF8.GetBytes(text, utf8);
        uint node = 0;
        if (!TryUnit(node, out uint unit))
            return null;
        node ^= Offset(unit);
        foreach (byte b in utf8[..length])
        {
            node ^= b;
            if (b == 0 || !TryUnit(node, out unit) || (unit & 0x800000FF) != b)
                return null;
            node ^= Offset(unit);
            if ((unit >> 8 & 1) != 0 && TryUnit(node, out uint value))
                return Replacement((int)(value & 0x7FFFFFFF));
        }

        return null;
    }

    private static uint Offset(uint unit) => unit >> 10 << (int)((unit & 0x200) >> 6);

    private bool TryUnit(uint node, out uint unit)
    {
        unit = node < (uint)_units.Length ? _units[node] : 0;
        return node < (uint)_units.Length;
    }

    private string Replacement(int from)
    {
        if (from >= _replacements.Length)
            throw new ModelException(ModelError.CorruptModel, $"Precompiled charsmap names replacement {from} of {_replacements.Length} bytes.");
        int end = Array.IndexOf(_replacements, (byte)0, from);
        int length = (end < 0 ? _replacements.Length : end) - from;
        TokenizerLimits.Check("charsmap replacement's length in bytes", length, ReplacementBytes);
        return Encoding.UTF8.GetString(_replacements, from, length);
    }
}
