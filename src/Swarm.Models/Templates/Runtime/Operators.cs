using System.Numerics;
using Swarm.Models.Templates.Values;

namespace Swarm.Models.Templates.Runtime;

/// <summary>Python's operators on template values.</summary>
internal static class Operators
{
    public static bool Truth(Value value) => value switch
    {
        NoneValue or UndefinedValue => false,
        BoolValue flag => flag.Flag,
        IntValue number => !number.Number.IsZero,
        FloatValue number => number.Number != 0,
        StringValue text => text.Text.Length > 0,
        ListValue or DictValue or DictViewValue or RangeValue or LoopValue => Sequences.TryCount(value) > 0,
        _ => true,
    };

    public static bool Equal(RenderContext context, Value left, Value right)
    {
        context.Charge();
        switch (left, right)
        {
            case (StringValue a, StringValue b):
                context.ChargeText(Math.Min(a.Text.Length, b.Text.Length));
                return a.Text == b.Text;
            case (ListValue a, ListValue b):
                return a.IsTuple == b.IsTuple && a.Items.Count == b.Items.Count && FirstDifference(context, a, b) == a.Items.Count;
            case (DictValue a, DictValue b):
                return DictsEqual(context, a, b);
            case (RangeValue a, RangeValue b):
                return a.Count == b.Count && (a.Count == 0 || (a.Start == b.Start && (a.Count == 1 || a.Step == b.Step)));
            default:
                return ValueComparer.Instance.Equals(left, right);
        }
    }

    private static bool DictsEqual(RenderContext context, DictValue a, DictValue b)
    {
        if (a.Entries.Count != b.Entries.Count)
            return false;
        context.EnterValue();
        bool equal = a.Entries.All(entry => IsKey(context, entry.Key) && b.Entries.TryGetValue(entry.Key, out Value? other) && Equal(context, entry.Value, other));
        context.LeaveValue();
        return equal;
    }

    private static int FirstDifference(RenderContext context, ListValue a, ListValue b)
    {
        context.EnterValue();
        int at = 0;
        while (at < a.Items.Count && at < b.Items.Count && Equal(context, a.Items[at], b.Items[at]))
            at++;
        context.LeaveValue();
        return at;
    }

    /// <summary><c>&lt; &lt;= &gt; &gt;=</c>; values without an order between them are a TypeError.</summary>
    public static bool Order(RenderContext context, string symbol, Value left, Value right)
    {
        context.Charge();
        switch (left, right)
        {
            case (StringValue a, StringValue b):
                context.ChargeText(Math.Min(a.Text.Length, b.Text.Length));
                return Holds(symbol, PyText.Compare(a.Text, b.Text));
            case (ListValue a, ListValue b) when a.IsTuple == b.IsTuple:
                int at = FirstDifference(context, a, b);
                if (at == a.Items.Count || at == b.Items.Count)
                    return Holds(symbol, a.Items.Count.CompareTo(b.Items.Count));
                context.EnterValue();
                bool holds = Order(context, symbol, a.Items[at], b.Items[at]);
                context.LeaveValue();
                return holds;
        }

        if (ValueComparer.Integer(left) is { } x && ValueComparer.Integer(right) is { } y)
            return Holds(symbol, x.CompareTo(y));
        if (Number(left) is not { } p || Number(right) is not { } q)
            throw Errors.NotOrdered(symbol, left, right);
        return symbol switch { "<" => p < q, "<=" => p <= q, ">" => p > q, _ => p >= q };
    }

    private static bool Holds(string symbol, int order) => symbol switch { "<" => order < 0, "<=" => order <= 0, ">" => order > 0, _ => order >= 0 };

    /// <summary>A bool, int or float as a double, null for anything else.</summary>
    public static double? Number(Value value) => value is FloatValue number ? number.Number : ValueComparer.Integer(value) is { } integer ? (double)integer : null;

    public static bool Contains(RenderContext context, Value container, Value item)
    {
        switch (container)
        {
            case StringValue text:
                if (item is not StringValue part)
                    throw item is UndefinedValue ? Errors.Type("'in <string>' requires string as left operand, not Undefined") : Errors.Type($"'in <string>' requires string as left operand, not {item.TypeName}");
                context.ChargeSearch(text.Text.Length, part.Text.Length);
                return text.Text.Contains(part.Text, StringComparison.Ordinal);
            case DictValue dict:
                return dict.Entries.ContainsKey(Key(context, item));
            case DictViewValue { Kind: DictViewKind.Keys } view:
                return view.Source.Entries.ContainsKey(Key(context, item));
            default:
                if (!Sequences.IsIterable(container))
                    throw Errors.Type($"argument of type '{container.TypeName}' is not iterable");
                foreach (Value element in Sequences.Iterate(context, container))
                {
                    if (Equal(context, element, item))
                        return true;
                }

                return false;
        }
    }

    /// <summary>The value, if it can be the key of a mapping.</summary>
    public static Value Key(RenderContext context, Value value) => IsKey(context, value) ? value : throw Errors.Type($"unhashable type: '{value.TypeName}'");

    /// <summary>Whether a value can be a key: scalars, and tuples of such, a few levels deep. Charges what it costs to hash it.</summary>
    public static bool IsKey(RenderContext context, Value value, int depth = 0)
    {
        switch (value)
        {
            case StringValue text:
                context.ChargeText(text.Text.Length);
                return true;
            case ListValue { IsTuple: true } tuple:
                context.Charge(1 + tuple.Items.Count);
                return depth < ValueComparer.MaxTupleDepth && tuple.Items.All(item => IsKey(context, item, depth + 1));
            default:
                context.Charge();
                return value is not (ListValue or DictValue);
        }
    }

    public static bool Compare(RenderContext context, string symbol, Value left, Value right) => symbol switch
    {
        "==" => Equal(context, left, right),
        "!=" => !Equal(context, left, right),
        "in" => Contains(context, right, left),
        "not in" => !Contains(context, right, left),
        _ => Order(context, symbol, left, right),
    };

    public static Value Arithmetic(RenderContext context, string symbol, Value left, Value right)
    {
        context.Charge();
        switch (symbol, left, right)
        {
            case ("+", StringValue a, StringValue b):
                return Concat(context, a, b);
            case ("+", ListValue a, ListValue b) when a.IsTuple == b.IsTuple:
                context.ChargeElements((long)a.Items.Count + b.Items.Count);
                return new ListValue([.. a.Items, .. b.Items], a.IsTuple);
            case ("*", StringValue or ListValue, _) when ValueComparer.Integer(right) is { } count:
                return Repeat(context, left, count);
            case ("*", _, StringValue or ListValue) when ValueComparer.Integer(left) is { } count:
                return Repeat(context, right, count);
            case ("%", StringValue format, _):
                return context.Text(PercentFormat.Apply(context, format.Text, right), format.Safe);
        }

        if (ValueComparer.Integer(left) is { } x && ValueComparer.Integer(right) is { } y)
            return Integers(context, symbol, x, y);
        if (Number(left) is not { } p || Number(right) is not { } q)
            throw Errors.Operands(symbol == "**" ? "** or pow()" : symbol, left, right);
        return new FloatValue(Floats(symbol, p, q));
    }

    /// <summary>Safe text escapes what is added to it.</summary>
    public static StringValue Concat(RenderContext context, StringValue a, StringValue b)
    {
        bool safe = a.Safe || b.Safe;
        context.ChargeText((long)a.Text.Length + b.Text.Length);
        return context.Text((safe && !a.Safe ? PyText.EscapeHtml(a.Text) : a.Text) + (safe && !b.Safe ? PyText.EscapeHtml(b.Text) : b.Text), safe);
    }

    private static Value Repeat(RenderContext context, Value value, BigInteger count)
    {
        int length = value is StringValue text ? text.Text.Length : ((ListValue)value).Items.Count;
        BigInteger total = BigInteger.Max(count, 0) * length;
        long size = total > long.MaxValue ? long.MaxValue : (long)total;
        int times = length == 0 ? 0 : (int)BigInteger.Min(BigInteger.Max(count, 0), int.MaxValue);
        if (value is StringValue repeated)
        {
            context.ChargeText(size);
            return new StringValue(new System.Text.StringBuilder((int)size).Insert(0, repeated.Text, times).ToString(), repeated.Safe);
        }

        context.ChargeElements(size);
        var list = (ListValue)value;
        return new ListValue([.. Enumerable.Repeat(list.Items, times).SelectMany(items => items)], list.IsTuple);
    }

    private static Value Integers(RenderContext context, string symbol, BigInteger x, BigInteger y)
    {
        switch (symbol)
        {
            case "+":
                return context.Integer(x + y);
            case "-":
                return context.Integer(x - y);
            case "*":
                return context.Integer(x * y);
            case "**":
                return Power(context, x, y);
        }

        if (y.IsZero)
            throw Errors.Arithmetic("division by zero");
        if (symbol == "/")
            return new FloatValue(TrueDivide(x, y));
        BigInteger quotient = BigInteger.DivRem(x, y, out BigInteger rest);
        // Python rounds the quotient down, and the remainder has the divisor's sign.
        if (!rest.IsZero && rest.Sign != y.Sign)
        {
            quotient -= 1;
            rest += y;
        }

        return new IntValue(symbol == "//" ? quotient : rest);
    }

    private static double TrueDivide(BigInteger x, BigInteger y)
    {
        double quotient = (double)x / (double)y;
        return double.IsFinite(quotient) ? quotient : throw Errors.Arithmetic("integer division result too large for a float");
    }

    private static Value Power(RenderContext context, BigInteger x, BigInteger y)
    {
        if (y.Sign < 0)
            return new FloatValue(Floats("**", (double)x, (double)y));
        if (x.IsZero || x.IsOne || y.IsZero)
            return new IntValue(y.IsZero ? BigInteger.One : x);
        if (x == BigInteger.MinusOne)
            return new IntValue(y.IsEven ? 1 : -1);
        if (y > context.Limits.IntegerBits || x.GetBitLength() * (long)y > 2 * (long)context.Limits.IntegerBits)
            throw RenderContext.Limit("the bits of a power", context.Limits.IntegerBits);
        return context.Integer(BigInteger.Pow(x, (int)y));
    }

    private static double Floats(string symbol, double p, double q)
    {
        switch (symbol)
        {
            case "+":
                return p + q;
            case "-":
                return p - q;
            case "*":
                return p * q;
            case "**":
                double power = Math.Pow(p, q);
                if (p == 0 && q < 0)
                    throw Errors.Arithmetic("0.0 cannot be raised to a negative power");
                if (double.IsNaN(power) && !double.IsNaN(p) && !double.IsNaN(q))
                    throw Errors.Type("a negative number to a fraction is a complex number, which templates do not have");
                return double.IsInfinity(power) && double.IsFinite(p) && double.IsFinite(q) ? throw Errors.Arithmetic("numerical result out of range") : power;
        }

        if (q == 0)
            throw Errors.Arithmetic("float division by zero");
        if (symbol == "/")
            return p / q;
        double rest = p % q;
        if (rest != 0 && (rest < 0) != (q < 0))
            rest += q;
        if (symbol == "%")
            return rest == 0 ? Math.CopySign(0, q) : rest;
        double quotient = (p - rest) / q;
        if (quotient == 0)
            return Math.CopySign(0, p / q);
        double floor = Math.Floor(quotient);
        return quotient - floor > 0.5 ? floor + 1 : floor;
    }

    public static Value Sign(RenderContext context, Value value, bool negate)
    {
        if (value is FloatValue number)
            return new FloatValue(negate ? -number.Number : number.Number);
        if (ValueComparer.Integer(value) is { } integer)
            return context.Integer(negate ? -integer : integer);
        throw Errors.Expected("a number behind a sign", value);
    }
}
