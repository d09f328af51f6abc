using System.Globalization;
using System.Text;

namespace Swarm.Models.Templates.Runtime;

/// <summary>
/// Python's view of text: positions count code points, and white space, line ends, case and what is printable are Python's.
/// Pure functions; whoever calls them has charged for the length.
/// </summary>
internal static class PyText
{
    public static bool IsSpace(char c) => c <= ' '
        ? c is ' ' or (>= '\t' and <= '\r') or (>= '\x1c' and <= '\x1f')
        : c is '\x85' or '\xa0' or '\u1680' or (>= '\u2000' and <= '\u200a') or '\u2028' or '\u2029' or '\u202f' or '\u205f' or '\u3000';

    /// <summary>Whether there is text and all of it is white space.</summary>
    public static bool IsSpace(ReadOnlySpan<char> text)
    {
        foreach (char c in text)
        {
            if (!IsSpace(c))
                return false;
        }

        return text.Length > 0;
    }

    public static ReadOnlySpan<char> TrimStart(ReadOnlySpan<char> text)
    {
        int start = 0;
        while (start < text.Length && IsSpace(text[start]))
            start++;
        return text[start..];
    }

    public static ReadOnlySpan<char> TrimEnd(ReadOnlySpan<char> text)
    {
        int end = text.Length;
        while (end > 0 && IsSpace(text[end - 1]))
            end--;
        return text[..end];
    }

    /// <summary>Removes white space, or any of <paramref name="characters"/>, from the sides asked for.</summary>
    public static string Strip(string text, string? characters, bool left, bool right)
    {
        if (characters is null)
        {
            ReadOnlySpan<char> rest = left ? TrimStart(text) : text;
            rest = right ? TrimEnd(rest) : rest;
            return rest.Length == text.Length ? text : rest.ToString();
        }

        List<string> set = [.. CodePoints(characters)];
        int start = 0, end = text.Length;
        while (left && start < end && Match(text.AsSpan(start, end - start), set, atStart: true) is int length and > 0)
            start += length;
        while (right && end > start && Match(text.AsSpan(start, end - start), set, atStart: false) is int length and > 0)
            end -= length;
        return text[start..end];
    }

    private static int Match(ReadOnlySpan<char> text, List<string> set, bool atStart)
    {
        foreach (string one in set)
        {
            if (atStart ? text.StartsWith(one, StringComparison.Ordinal) : text.EndsWith(one, StringComparison.Ordinal))
                return one.Length;
        }

        return 0;
    }

    public static bool HasSurrogates(string text) => text.AsSpan().IndexOfAnyInRange('\ud800', '\udfff') >= 0;

    /// <summary>The code points of a text as strings; a lone surrogate is one of its own.</summary>
    public static IEnumerable<string> CodePoints(string text)
    {
        for (int at = 0; at < text.Length;)
        {
            int length = char.IsHighSurrogate(text[at]) && at + 1 < text.Length && char.IsLowSurrogate(text[at + 1]) ? 2 : 1;
            yield return text.Substring(at, length);
            at += length;
        }
    }

    public static int Length(string text)
    {
        if (!HasSurrogates(text))
            return text.Length;
        int count = 0;
        for (int at = 0; at < text.Length; at++)
        {
            if (!(char.IsLowSurrogate(text[at]) && at > 0 && char.IsHighSurrogate(text[at - 1])))
                count++;
        }

        return count;
    }

    /// <summary>UTF-16 offset to code point index.</summary>
    public static int IndexOf(string text, int offset) => HasSurrogates(text) ? Length(text[..offset]) : offset;

    public static List<string> Split(string text, string? separator, int max)
    {
        var parts = new List<string>();
        if (separator is null)
        {
            ReadOnlySpan<char> rest = TrimStart(text);
            while (rest.Length > 0)
            {
                if (max >= 0 && parts.Count == max)
                {
                    parts.Add(rest.ToString());
                    break;
                }

                int end = 0;
                while (end < rest.Length && !IsSpace(rest[end]))
                    end++;
                parts.Add(rest[..end].ToString());
                rest = TrimStart(rest[end..]);
            }

            return parts;
        }

        int at = 0;
        while ((max < 0 || parts.Count < max) && text.IndexOf(separator, at, StringComparison.Ordinal) is int found and >= 0)
        {
            parts.Add(text[at..found]);
            at = found + separator.Length;
        }

        parts.Add(text[at..]);
        return parts;
    }

    public static List<string> SplitFromEnd(string text, string? separator, int max)
    {
        if (max < 0)
            return Split(text, separator, -1);
        var parts = new List<string>();
        ReadOnlySpan<char> rest = separator is null ? TrimEnd(text) : text;
        while (parts.Count < max && rest.Length > 0)
        {
            int cut = rest.Length;
            if (separator is null)
            {
                while (cut > 0 && !IsSpace(rest[cut - 1]))
                    cut--;
                parts.Add(rest[cut..].ToString());
                rest = TrimEnd(rest[..cut]);
                continue;
            }

            cut = rest.LastIndexOf(separator, StringComparison.Ordinal);
            if (cut < 0)
                break;
            parts.Add(rest[(cut + separator.Length)..].ToString());
            rest = rest[..cut];
        }

        if (separator is not null || rest.Length > 0)
            parts.Add(rest.ToString());
        parts.Reverse();
        return parts;
    }

    public static List<string> SplitLines(string text, bool keepEnds)
    {
        var lines = new List<string>();
        int start = 0;
        for (int at = 0; at < text.Length; at++)
        {
            if (!IsLineEnd(text[at]))
                continue;
            int next = text[at] == '\r' && at + 1 < text.Length && text[at + 1] == '\n' ? at + 2 : at + 1;
            lines.Add(text[start..(keepEnds ? next : at)]);
            start = next;
            at = next - 1;
        }

        if (start < text.Length)
            lines.Add(text[start..]);
        return lines;
    }

    private static bool IsLineEnd(char c) => c is (>= '\n' and <= '\r') or (>= '\x1c' and <= '\x1e') or '\x85' or '\u2028' or '\u2029';

    public static string Upper(string text)
    {
        string upper = text.ToUpperInvariant();
        // The one full mapping in everyday use; the invariant tables map a character to a character.
        return upper.Contains('ß', StringComparison.Ordinal) ? upper.Replace("ß", "SS", StringComparison.Ordinal) : upper;
    }

    public static string Lower(string text)
    {
        string lower = text.ToLowerInvariant();
        return text.Contains('Σ', StringComparison.Ordinal) ? FinalSigma(text, lower) : lower;
    }

    /// <summary>A capital sigma that ends a word becomes the final form.</summary>
    private static string FinalSigma(string text, string lower)
    {
        char[] result = lower.ToCharArray();
        for (int at = 0; at < text.Length; at++)
        {
            if (text[at] == 'Σ' && at > 0 && char.IsLetter(text[at - 1]) && !(at + 1 < text.Length && char.IsLetter(text[at + 1])))
                result[at] = 'ς';
        }

        return new string(result);
    }

    public static string Capitalize(string text)
    {
        if (text.Length == 0)
            return text;
        int first = char.IsHighSurrogate(text[0]) && text.Length > 1 ? 2 : 1;
        return Upper(text[..first]) is var head && head == "SS" ? "Ss" + Lower(text[first..]) : head + Lower(text[first..]);
    }

    /// <summary><c>str.title</c>: a letter behind what is not one is upper case, every other lower.</summary>
    public static string Title(string text)
    {
        var result = new StringBuilder(text.Length);
        bool inWord = false;
        foreach (string one in CodePoints(text))
        {
            result.Append(inWord ? Lower(one) : Capitalize(one));
            inWord = IsCased(one);
        }

        return result.ToString();
    }

    public static bool IsCased(string codePoint) => Category(codePoint) is UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter;

    public static UnicodeCategory Category(string codePoint) => CharUnicodeInfo.GetUnicodeCategory(codePoint, 0);

    /// <summary>Whether there is a cased character and all of them are of the one case.</summary>
    public static bool IsCase(string text, UnicodeCategory wanted)
    {
        bool any = false;
        foreach (string one in CodePoints(text))
        {
            if (!IsCased(one))
                continue;
            if (Category(one) != wanted)
                return false;
            any = true;
        }

        return any;
    }

    public static string EscapeHtml(string text) => text
        .Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal).Replace(">", "&gt;", StringComparison.Ordinal)
        .Replace("'", "&#39;", StringComparison.Ordinal).Replace("\"", "&#34;", StringComparison.Ordinal);

    /// <summary>Python's <c>repr</c> of a string.</summary>
    public static void AppendRepr(StringBuilder result, string text)
    {
        char quote = text.Contains('\'', StringComparison.Ordinal) && !text.Contains('"', StringComparison.Ordinal) ? '"' : '\'';
        result.Append(quote);
        for (int at = 0; at < text.Length; at++)
        {
            char c = text[at];
            if (c == quote || c == '\\')
                result.Append('\\').Append(c);
            else if (c == '\n')
                result.Append("\\n");
            else if (c == '\r')
                result.Append("\\r");
            else if (c == '\t')
                result.Append("\\t");
            else if (c is >= ' ' and < '\x7f')
                result.Append(c);
            else if (char.IsHighSurrogate(c) && at + 1 < text.Length && char.IsLowSurrogate(text[at + 1]))
                AppendCodePoint(result, char.ConvertToUtf32(c, text[++at]));
            else
                AppendCodePoint(result, c);
        }

        result.Append(quote);
    }

    private static void AppendCodePoint(StringBuilder result, int code)
    {
        if (IsPrintable(code))
            result.Append(char.ConvertFromUtf32(code));
        else if (code < 0x100)
            result.Append(CultureInfo.InvariantCulture, $"\\x{code:x2}");
        else if (code < 0x10000)
            result.Append(CultureInfo.InvariantCulture, $"\\u{code:x4}");
        else
            result.Append(CultureInfo.InvariantCulture, $"\\U{code:x8}");
    }

    private static bool IsPrintable(int code) => CharUnicodeInfo.GetUnicodeCategory(code) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator);

    /// <summary>Order by code points, which for text beyond the basic plane is not the order of UTF-16 units.</summary>
    public static int Compare(string left, string right)
    {
        int common = left.AsSpan().CommonPrefixLength(right);
        if (common == left.Length || common == right.Length)
            return left.Length.CompareTo(right.Length);
        char a = left[common], b = right[common];
        return char.IsSurrogate(a) == char.IsSurrogate(b) ? a.CompareTo(b) : char.IsSurrogate(a) ? 1 : -1;
    }
}
