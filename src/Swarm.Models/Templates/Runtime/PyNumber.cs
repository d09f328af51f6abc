using System.Globalization;
using System.Numerics;

namespace Swarm.Models.Templates.Runtime;

/// <summary>Python's text of numbers, and numbers of text.</summary>
internal static class PyNumber
{
    /// <summary>The shortest text that reads back as the same double, in Python's notation: <c>1.0</c>, <c>1e+20</c>, <c>-0.0</c>, <c>nan</c>.</summary>
    public static string Repr(double number)
    {
        if (double.IsNaN(number))
            return "nan";
        if (double.IsInfinity(number))
            return number > 0 ? "inf" : "-inf";
        string shortest = number.ToString("R", CultureInfo.InvariantCulture);
        string sign = shortest[0] == '-' ? "-" : "";
        string body = shortest[sign.Length..];
        int exponent = 0;
        int e = body.IndexOf('E', StringComparison.Ordinal);
        if (e >= 0)
        {
            exponent = int.Parse(body.AsSpan(e + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
            body = body[..e];
        }

        int point = body.IndexOf('.', StringComparison.Ordinal);
        string digits = point < 0 ? body : body.Remove(point, 1);
        int scale = (point < 0 ? body.Length : point) + exponent;
        string trimmed = digits.TrimStart('0');
        scale -= digits.Length - trimmed.Length;
        digits = trimmed.TrimEnd('0');
        if (digits.Length == 0)
            return sign + "0.0";
        return sign + Notation(digits, scale);
    }

    /// <summary>0.<paramref name="digits"/> × 10^<paramref name="scale"/>.</summary>
    private static string Notation(string digits, int scale)
    {
        if (scale is <= -4 or > 16)
        {
            string fraction = digits.Length > 1 ? "." + digits[1..] : "";
            int exponent = scale - 1;
            return $"{digits[0]}{fraction}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent).ToString("00", CultureInfo.InvariantCulture)}";
        }

        if (scale <= 0)
            return "0." + new string('0', -scale) + digits;
        return digits.Length <= scale ? digits.PadRight(scale, '0') + ".0" : digits[..scale] + "." + digits[scale..];
    }

    /// <summary>The number with so many digits behind the point, the exact value rounded half to even.</summary>
    public static string Fixed(double number, int decimals)
    {
        if (!double.IsFinite(number))
            return Repr(number);
        (BigInteger mantissa, int exponent) = Split(Math.Abs(number));
        BigInteger scaled = mantissa * BigInteger.Pow(10, decimals);
        if (exponent >= 0)
        {
            scaled <<= exponent;
        }
        else
        {
            BigInteger unit = BigInteger.One << -exponent;
            scaled = BigInteger.DivRem(scaled, unit, out BigInteger rest);
            int half = (rest << 1).CompareTo(unit);
            if (half > 0 || (half == 0 && !scaled.IsEven))
                scaled += 1;
        }

        string digits = scaled.ToString(CultureInfo.InvariantCulture).PadLeft(decimals + 1, '0');
        string text = decimals == 0 ? digits : $"{digits[..^decimals]}.{digits[^decimals..]}";
        return double.IsNegative(number) ? "-" + text : text;
    }

    private static (BigInteger Mantissa, int Exponent) Split(double number)
    {
        long bits = BitConverter.DoubleToInt64Bits(number);
        int exponent = (int)((bits >> 52) & 0x7FF);
        long fraction = bits & 0xFFFFFFFFFFFFF;
        return exponent == 0 ? (fraction, -1074) : (fraction | 1L << 52, exponent - 1075);
    }

    /// <summary>Python's <c>int(text, base)</c>, null where it raises ValueError.</summary>
    public static BigInteger? ParseInteger(string text, int radix, int maxBits)
    {
        ReadOnlySpan<char> rest = PyText.TrimEnd(PyText.TrimStart(text));
        bool negative = rest.StartsWith("-");
        if (negative || rest.StartsWith("+"))
            rest = rest[1..];
        if (rest.Length > 1 && rest[0] == '0')
        {
            int prefix = rest[1] switch { 'x' or 'X' => 16, 'o' or 'O' => 8, 'b' or 'B' => 2, _ => 0 };
            if (prefix != 0 && (radix == prefix || radix == 0))
            {
                rest = rest[2..];
                radix = prefix;
                if (rest.StartsWith("_"))
                    rest = rest[1..];
            }
            else if (radix == 0 && rest.TrimStart("0_").Length > 0)
            {
                return null;
            }
        }

        if (radix == 0)
            radix = 10;
        if (rest.Length == 0 || rest.Length > maxBits || radix is < 2 or > 36 || rest[0] == '_' || rest[^1] == '_')
            return null;
        BigInteger number = 0;
        for (int i = 0; i < rest.Length; i++)
        {
            if (rest[i] == '_' && rest[i - 1] != '_')
                continue;
            int digit = char.IsAsciiDigit(rest[i]) ? rest[i] - '0' : char.IsAsciiLetter(rest[i]) ? (rest[i] | 0x20) - 'a' + 10 : 99;
            if (digit >= radix)
                return null;
            number = number * radix + digit;
        }

        return negative ? -number : number;
    }

    /// <summary>Python's <c>float(text)</c>, null where it raises ValueError.</summary>
    public static double? ParseFloat(string text)
    {
        string body = PyText.Strip(text, null, left: true, right: true);
        string word = body.TrimStart('+', '-').ToLowerInvariant();
        if (word is "inf" or "infinity" or "nan" && body.Length - word.Length <= 1)
            return word == "nan" ? double.NaN : body[0] == '-' ? double.NegativeInfinity : double.PositiveInfinity;
        for (int i = 0; i < body.Length; i++)
        {
            bool ok = body[i] == '_'
                ? i > 0 && i + 1 < body.Length && char.IsAsciiDigit(body[i - 1]) && char.IsAsciiDigit(body[i + 1])
                : char.IsAsciiDigit(body[i]) || body[i] is '+' or '-' or '.' or 'e' or 'E';
            if (!ok)
                return null;
        }

        const NumberStyles Style = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        return double.TryParse(body.Replace("_", "", StringComparison.Ordinal), Style, CultureInfo.InvariantCulture, out double number) ? number : null;
    }
}
