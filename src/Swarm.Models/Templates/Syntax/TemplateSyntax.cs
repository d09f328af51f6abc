using System.Globalization;
using System.Text;

namespace Swarm.Models.Templates.Syntax;

/// <summary>What lexer and parser share: how they fail, and the escapes of string literals.</summary>
internal static class TemplateSyntax
{
    public static ModelException Error(int line, string message) => new(ModelError.CorruptModel, $"chat template, line {line}: {message}");

    public static ModelException Unsupported(int line, string message) => new(ModelError.UnsupportedModel, $"chat template, line {line}: {message}");

    /// <summary>Python's string escapes: an unknown one stays as it is written, backslash included.</summary>
    public static string Unescape(ReadOnlySpan<char> text, int line)
    {
        if (!text.Contains('\\'))
            return text.ToString();
        var result = new StringBuilder(text.Length);
        for (int at = 0; at < text.Length; at++)
        {
            if (text[at] != '\\')
            {
                result.Append(text[at]);
                continue;
            }

            char c = text[++at];
            switch (c)
            {
                case '\n': break;
                case '\\' or '\'' or '"': result.Append(c); break;
                case 'a': result.Append('\a'); break;
                case 'b': result.Append('\b'); break;
                case 'f': result.Append('\f'); break;
                case 'n': result.Append('\n'); break;
                case 'r': result.Append('\r'); break;
                case 't': result.Append('\t'); break;
                case 'v': result.Append('\v'); break;
                case 'x': at = Hex(text, at, 2, result, line); break;
                case 'u': at = Hex(text, at, 4, result, line); break;
                case 'U': at = Hex(text, at, 8, result, line); break;
                case 'N': throw Unsupported(line, "the escape \\N{…} in a string");
                case >= '0' and <= '7': at = Octal(text, at, result); break;
                case > '\x7f': AppendDoubledEscape(text, ref at, result); break;
                default: result.Append('\\').Append(c); break;
            }
        }

        return result.ToString();
    }

    private static int Hex(ReadOnlySpan<char> text, int at, int digits, StringBuilder result, int line)
    {
        if (at + digits >= text.Length || !uint.TryParse(text.Slice(at + 1, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint code))
            throw Error(line, $"truncated \\{text[at]} escape in a string");
        if (code > 0x10FFFF)
            throw Error(line, $"illegal Unicode character {code:x} in a string, at most 10ffff");
        if (code < 0x10000)
            result.Append((char)code);
        else
            result.Append(char.ConvertFromUtf32((int)code));
        return at + digits;
    }

    private static int Octal(ReadOnlySpan<char> text, int at, StringBuilder result)
    {
        int code = 0, digits = 0;
        for (; digits < 3 && at + digits < text.Length && text[at + digits] is >= '0' and <= '7'; digits++)
            code = code * 8 + (text[at + digits] - '0');
        result.Append((char)code);
        return at + digits - 1;
    }

    /// <summary>
    /// Jinja turns what is not ASCII into an escape before it unescapes, so that a backslash before such a character doubles up with the
    /// escape's own and leaves its digits as text.
    /// </summary>
    private static void AppendDoubledEscape(ReadOnlySpan<char> text, ref int at, StringBuilder result)
    {
        int code = text[at];
        if (Rune.DecodeFromUtf16(text[at..], out Rune rune, out int length) == System.Buffers.OperationStatus.Done)
        {
            code = rune.Value;
            at += length - 1;
        }

        result.Append('\\').Append(code < 0x100 ? $"x{code:x2}" : code < 0x10000 ? $"u{code:x4}" : $"U{code:x8}");
    }
}
