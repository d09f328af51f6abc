using System.Globalization;
using System.Text;

namespace Swarm.Models.Templates.Runtime;

/// <summary>C's <c>strftime</c> in the C locale, for a clock reading without a time zone.</summary>
internal static class StrfTime
{
    public static string Format(RenderContext context, string format)
    {
        context.ChargeText(format.Length * 16L);
        var result = new StringBuilder();
        for (int at = 0; at < format.Length; at++)
        {
            if (format[at] != '%' || at + 1 == format.Length)
            {
                result.Append(format[at]);
                continue;
            }

            char code = format[++at];
            bool plain = code == '-' && at + 1 < format.Length;
            if (plain)
                code = format[++at];
            string text = Field(context.Now, code) ?? (plain ? "%-" + code : "%" + code);
            // "%-d" is the number without its leading zeros.
            result.Append(plain && text.Length > 1 && text.All(char.IsAsciiDigit) ? text[..^1].TrimStart('0') + text[^1] : text);
        }

        return result.ToString();
    }

    private static string? Field(DateTime now, char code)
    {
        CultureInfo c = CultureInfo.InvariantCulture;
        int weekday = (int)now.DayOfWeek, day = now.DayOfYear - 1;
        return code switch
        {
            'a' => now.ToString("ddd", c),
            'A' => now.ToString("dddd", c),
            'b' or 'h' => now.ToString("MMM", c),
            'B' => now.ToString("MMMM", c),
            'c' => now.ToString("ddd MMM ", c) + now.Day.ToString(c).PadLeft(2) + now.ToString(" HH:mm:ss yyyy", c),
            'C' => (now.Year / 100).ToString("00", c),
            'd' => now.ToString("dd", c),
            'D' or 'x' => now.ToString("MM'/'dd'/'yy", c),
            'e' => now.Day.ToString(c).PadLeft(2),
            'f' => now.ToString("ffffff", c),
            'F' => now.ToString("yyyy-MM-dd", c),
            'g' => (ISOWeek.GetYear(now) % 100).ToString("00", c),
            'G' => ISOWeek.GetYear(now).ToString(c),
            'H' => now.ToString("HH", c),
            'I' => now.ToString("hh", c),
            'j' => now.DayOfYear.ToString("000", c),
            'k' => now.Hour.ToString(c).PadLeft(2),
            'l' => now.ToString("%h", c).PadLeft(2),
            'm' => now.ToString("MM", c),
            'M' => now.ToString("mm", c),
            'n' => "\n",
            'p' => now.ToString("tt", c),
            'r' => now.ToString("hh:mm:ss tt", c),
            'R' => now.ToString("HH:mm", c),
            'S' => now.ToString("ss", c),
            't' => "\t",
            'T' or 'X' => now.ToString("HH:mm:ss", c),
            'u' => (weekday == 0 ? 7 : weekday).ToString(c),
            'U' => ((day + 7 - weekday) / 7).ToString("00", c),
            'V' => ISOWeek.GetWeekOfYear(now).ToString("00", c),
            'w' => weekday.ToString(c),
            'W' => ((day + 7 - ((weekday + 6) % 7)) / 7).ToString("00", c),
            'y' => now.ToString("yy", c),
            'Y' => now.Year.ToString(c),
            'z' or 'Z' => "",
            '%' => "%",
            _ => null,
        };
    }
}
