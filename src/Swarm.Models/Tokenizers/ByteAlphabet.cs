using System.Text;

namespace Swarm.Models.Tokenizers;

/// <summary>
/// The printable spelling of bytes that GPT-2's tokenizer introduced: printable Latin-1 bytes stand for themselves, the other 68 for U+0100 onwards,
/// in order.
/// </summary>
internal static class ByteAlphabet
{
    /// <summary>One more than the highest character used.</summary>
    public const int CharLimit = 0x144;

    private static readonly char[] CharOfByte = MakeChars();
    private static readonly short[] ByteOfChar = MakeBytes();

    public static char Spell(byte value) => CharOfByte[value];

    /// <summary>The byte that <paramref name="c"/> spells, or -1.</summary>
    public static int ByteOf(char c) => c < CharLimit ? ByteOfChar[c] : -1;

    public static void AppendSpelling(StringBuilder builder, ReadOnlySpan<char> text)
    {
        Span<byte> utf8 = stackalloc byte[4];
        while (text.Length > 0)
        {
            Rune.DecodeFromUtf16(text, out Rune rune, out int length);
            text = text[length..];
            int count = rune.EncodeToUtf8(utf8);
            foreach (byte b in utf8[..count])
                builder.Append(CharOfByte[b]);
        }
    }

    /// <summary>
    /// The bytes that a token spells, written to <paramref name="bytes"/>; a token with any character outside the alphabet (an added one) stands for its own UTF-8.
    /// </summary>
    public static void AppendBytes(List<byte> bytes, string token)
    {
        int mark = bytes.Count;
        foreach (char c in token)
        {
            int value = ByteOf(c);
            if (value < 0)
            {
                bytes.RemoveRange(mark, bytes.Count - mark);
                bytes.AddRange(Encoding.UTF8.GetBytes(token));
                return;
            }

            bytes.Add((byte)value);
        }
    }

    private static char[] MakeChars()
    {
        var chars = new char[256];
        int next = 0x100;
        for (int b = 0; b < 256; b++)
            chars[b] = b is (>= 0x21 and <= 0x7E) or (>= 0xA1 and <= 0xAC) or >= 0xAE ? (char)b : (char)next++;
        return chars;
    }

    private static short[] MakeBytes()
    {
        var bytes = new short[CharLimit];
        Array.Fill(bytes, (short)-1);
        for (int b = 0; b < 256; b++)
            bytes[CharOfByte[b]] = (short)b;
        return bytes;
    }
}
