using System.Globalization;
using System.Numerics;
using System.Text;
using Swarm.Models.Templates.Values;

namespace Swarm.Models.Templates.Runtime;

/// <summary>Python's <c>str.format</c>, without format specifications.</summary>
internal static class StrFormat
{
    public static string Apply(RenderContext context, string format, Arguments arguments)
    {
        var result = new StringBuilder(format.Length);
        int automatic = 0;
        for (int at = 0; at < format.Length; at++)
        {
            char c = format[at];
            if (c is '{' or '}' && at + 1 < format.Length && format[at + 1] == c)
            {
                result.Append(c);
                at++;
            }
            else if (c == '{')
            {
                int close = format.IndexOf('}', at);
                if (close < 0)
                    throw Errors.Value("expected '}' before end of string");
                string field = Field(context, format[(at + 1)..close], arguments, ref automatic);
                context.ChargeAppend(result.Length, field.Length);
                result.Append(field);
                at = close;
            }
            else if (c == '}')
            {
                throw Errors.Value("Single '}' encountered in format string");
            }
            else
            {
                result.Append(c);
            }
        }

        return result.ToString();
    }

    private static string Field(RenderContext context, string field, Arguments arguments, ref int automatic)
    {
        if (field.Contains(':', StringComparison.Ordinal) && !field.EndsWith(':'))
            throw Errors.Value($"format specification in '{{{field}}}' is not supported");
        string path = field.TrimEnd(':');
        bool repr = path.EndsWith("!r", StringComparison.Ordinal);
        if (repr || path.EndsWith("!s", StringComparison.Ordinal))
            path = path[..^2];
        int end = path.AsSpan().IndexOfAny('.', '[');
        string first = end < 0 ? path : path[..end];
        Value value;
        if (first.Length == 0 || first.All(char.IsAsciiDigit))
        {
            int index = first.Length == 0 ? automatic++ : int.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : int.MaxValue;
            value = index < arguments.Positional.Count ? arguments.Positional[index] : throw Errors.Value($"Replacement index {first} out of range for positional args tuple");
        }
        else
        {
            value = arguments.Find(first) ?? throw Errors.Value($"no argument '{first}'");
        }

        value = Follow(context, value, end < 0 ? "" : path[end..]);
        return repr ? Printer.Repr(context, value) : Printer.Str(context, value);
    }

    private static Value Follow(RenderContext context, Value value, string path)
    {
        for (int at = 0; at < path.Length;)
        {
            bool isItem = path[at] == '[';
            int end = isItem ? path.IndexOf(']', at) : path.AsSpan(at + 1).IndexOfAny('.', '[') + at + 1;
            if (isItem && end < 0)
                throw Errors.Value("missing ']' in format string");
            if (!isItem && end == at)
                end = path.Length;
            string name = path[(at + 1)..end];
            if (!isItem)
                value = Members.Attribute(context, value, name);
            else if (BigInteger.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out BigInteger index))
                value = Members.Item(context, value, context.Integer(index));
            else
                value = Members.Item(context, value, new StringValue(name));
            at = isItem ? end + 1 : end;
            if (isItem && at < path.Length && path[at] is not ('.' or '['))
                throw Errors.Value("only '.' or '[' may follow ']' in format field specifier");
        }

        return value;
    }
}
