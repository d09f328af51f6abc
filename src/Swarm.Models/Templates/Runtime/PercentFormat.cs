using System.Globalization;
using System.Numerics;
using System.Text;
using Swarm.Models.Templates.Values;

namespace Swarm.Models.Templates.Runtime;

/// <summary>Python's <c>text % values</c>.</summary>
internal static class PercentFormat
{
    /// <summary>Most digits of a precision, and with the string limit the most characters of a width.</summary>
    private const int MaxPrecision = 300;

    public static string Apply(RenderContext context, string format, Value value)
    {
        IReadOnlyList<Value> arguments = value is ListValue { IsTuple: true } tuple ? tuple.Items : [value];
        var result = new StringBuilder(format.Length);
        int used = 0;
        bool byName = false;
        for (int at = 0; at < format.Length; at++)
        {
            if (format[at] != '%')
            {
                result.Append(format[at]);
                continue;
            }

            at++;
            Value? named = null;
            if (at < format.Length && format[at] == '(')
            {
                int close = format.IndexOf(')', at);
                if (close < 0)
                    throw Errors.Value("incomplete format key");
                if (value is not DictValue dict)
                    throw Errors.Type("format requires a mapping");
                named = dict.Find(format[(at + 1)..close]) ?? throw Errors.Value($"the mapping has no key '{format[(at + 1)..close]}'");
                byName = true;
                at = close + 1;
            }

            Field field = ReadField(context, format, ref at, Take);
            if (at >= format.Length)
                throw Errors.Value("incomplete format");
            char type = format[at];
            if (type == '%')
            {
                result.Append('%');
                continue;
            }

            context.ChargeAppend(result.Length, field.Width);
            string text = Pad(Convert(context, field, type, named ?? Take()), field);
            context.ChargeAppend(result.Length, text.Length);
            result.Append(text);
        }

        // A mapping, or anything that has items, may go unused; a tuple or a lone value may not.
        if (used < arguments.Count && !byName && value is not (DictValue or ListValue { IsTuple: false } or RangeValue or UndefinedValue))
            throw Errors.Type("not all arguments converted during string formatting");
        return result.ToString();

        Value Take() => used < arguments.Count ? arguments[used++] : throw Errors.Type("not enough arguments for format string");
    }

    private static Field ReadField(RenderContext context, string format, ref int at, Func<Value> take)
    {
        var field = new Field();
        for (; at < format.Length && "-+ 0#".Contains(format[at], StringComparison.Ordinal); at++)
        {
            field.Left |= format[at] == '-';
            field.Plus |= format[at] == '+';
            field.Blank |= format[at] == ' ';
            field.Zero |= format[at] == '0';
            field.Alternate |= format[at] == '#';
        }

        field.Width = ReadNumber(format, ref at, take);
        if (field.Width < 0)
        {
            field.Left = true;
            field.Width = -field.Width;
        }

        if (field.Width > context.Limits.StringChars)
            throw RenderContext.Limit("a width", context.Limits.StringChars);
        if (at < format.Length && format[at] == '.')
        {
            at++;
            field.Precision = Math.Max(0, ReadNumber(format, ref at, take));
        }

        while (at < format.Length && format[at] is 'h' or 'l' or 'L')
            at++;
        return field;
    }

    private static int ReadNumber(string format, ref int at, Func<Value> take)
    {
        if (at < format.Length && format[at] == '*')
        {
            at++;
            return Arguments.Int(take(), 0);
        }

        int number = 0;
        for (; at < format.Length && char.IsAsciiDigit(format[at]); at++)
            number = (int)Math.Min(int.MaxValue / 2, number * 10L + (format[at] - '0'));
        return number;
    }

    private static string Convert(RenderContext context, Field field, char type, Value value)
    {
        switch (type)
        {
            case 's':
                return Cut(Printer.Str(context, value), field);
            case 'r' or 'a':
                return Cut(Printer.Repr(context, value), field);
            case 'c':
                return value is StringValue { Text.Length: 1 or 2 } text && PyText.Length(text.Text) == 1 ? text.Text
                    : ValueComparer.Integer(value) is { } code && code.Sign >= 0 && code <= 0x10FFFF && !(code >= 0xD800 && code <= 0xDFFF) ? char.ConvertFromUtf32((int)code)
                    : throw Errors.Type("%c requires int or char");
            case 'd' or 'i' or 'u' or 'x' or 'X' or 'o':
                return Integer(context, field, type, value);
            case 'e' or 'E' or 'f' or 'F' or 'g' or 'G':
                return Float(field, type, Operators.Number(value) ?? throw Errors.Expected("a number to format", value));
            default:
                throw Errors.Value($"unsupported format character '{type}'");
        }
    }

    private static string Cut(string text, Field field) =>
        field.Precision is int length && length < PyText.Length(text) ? string.Concat(PyText.CodePoints(text).Take(length)) : text;

    private static string Integer(RenderContext context, Field field, char type, Value value)
    {
        BigInteger number = value is FloatValue { Number: var f } && type is 'd' or 'i' or 'u' && double.IsFinite(((FloatValue)value).Number)
            ? new BigInteger(((FloatValue)value).Number)
            : ValueComparer.Integer(value) ?? throw Errors.Expected($"a number to format with %{type}", value);
        BigInteger size = BigInteger.Abs(context.Integer(number).Number);
        string digits = type switch
        {
            'x' => Radix(size, 16),
            'X' => Radix(size, 16).ToUpperInvariant(),
            'o' => Radix(size, 8),
            _ => size.ToString(CultureInfo.InvariantCulture),
        };
        digits = digits.PadLeft(Math.Min(field.Precision ?? 0, MaxPrecision), '0');
        if (field.Alternate && type is 'x' or 'X' or 'o')
            digits = $"0{type}{digits}";
        return Signed(digits, number.Sign < 0, field);
    }

    private static string Radix(BigInteger number, int radix)
    {
        if (number.IsZero)
            return "0";
        var digits = new StringBuilder();
        for (; !number.IsZero; number /= radix)
            digits.Insert(0, "0123456789abcdef"[(int)(number % radix)]);
        return digits.ToString();
    }

    private static string Signed(string digits, bool negative, Field field) => (negative ? "-" : field.Plus ? "+" : field.Blank ? " " : "") + digits;

    private static string Float(Field field, char type, double number)
    {
        int precision = field.Precision ?? 6;
        if (precision > MaxPrecision)
            throw Errors.Value($"precision {precision}, at most {MaxPrecision}");
        double size = Math.Abs(number);
        string digits = !double.IsFinite(size) ? PyNumber.Repr(size)
            : char.ToLowerInvariant(type) switch
            {
                'f' => PyNumber.Fixed(size, precision),
                'e' => Exponent(size, precision),
                _ => General(size, Math.Max(1, precision), field.Alternate),
            };
        digits = char.IsUpper(type) ? digits.ToUpperInvariant() : digits;
        return Signed(digits, double.IsNegative(number) && !double.IsNaN(number), field);
    }

    private static string Exponent(double number, int precision)
    {
        string text = number.ToString("e" + precision.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
        int e = text.IndexOf('e', StringComparison.Ordinal);
        int exponent = int.Parse(text.AsSpan(e + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        return $"{text[..e]}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent).ToString("00", CultureInfo.InvariantCulture)}";
    }

    private static string General(double number, int precision, bool keepZeros)
    {
        if (number == 0)
            return "0";
        string scientific = Exponent(number, precision - 1);
        int e = scientific.IndexOf('e', StringComparison.Ordinal);
        int exponent = int.Parse(scientific.AsSpan(e + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        string mantissa = exponent < -4 || exponent >= precision ? scientific[..e] : PyNumber.Fixed(number, precision - 1 - exponent);
        if (!keepZeros && mantissa.Contains('.', StringComparison.Ordinal))
            mantissa = mantissa.TrimEnd('0').TrimEnd('.');
        return exponent < -4 || exponent >= precision ? mantissa + scientific[e..] : mantissa;
    }

    private static string Pad(string text, Field field)
    {
        int missing = field.Width - PyText.Length(text);
        if (missing <= 0)
            return text;
        if (field.Left)
            return text + new string(' ', missing);
        if (!field.Zero || text.Length == 0 || !char.IsAsciiDigit(text[^1]))
            return new string(' ', missing) + text;
        int sign = text[0] is '+' or '-' or ' ' ? 1 : 0;
        return text[..sign] + new string('0', missing) + text[sign..];
    }

    private struct Field
    {
        public bool Left;
        public bool Plus;
        public bool Blank;
        public bool Zero;
        public bool Alternate;
        public int Width;
        public int? Precision;
    }
}
