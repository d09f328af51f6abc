using System.Numerics;

namespace Swarm.Models.Templates.Values;

/// <summary>Equality of mapping keys. Only hashable values reach it, and tuples only as deep as <see cref="MaxTupleDepth"/>.</summary>
internal sealed class ValueComparer : IEqualityComparer<Value>
{
    public const int MaxTupleDepth = 16;

    public static readonly ValueComparer Instance = new();

    public bool Equals(Value? x, Value? y) => (x, y) switch
    {
        (StringValue a, StringValue b) => a.Text == b.Text,
        (NoneValue, NoneValue) => true,
        (UndefinedValue, UndefinedValue) => true,
        (ListValue a, ListValue b) => a.IsTuple == b.IsTuple && a.Items.Count == b.Items.Count && a.Items.Zip(b.Items).All(pair => Equals(pair.First, pair.Second)),
        _ when ReferenceEquals(x, y) => true,
        _ => x is not null && y is not null && NumbersEqual(x, y),
    };

    public int GetHashCode(Value value)
    {
        switch (value)
        {
            case StringValue text:
                return text.Text.GetHashCode(StringComparison.Ordinal);
            case NoneValue or UndefinedValue:
                return value.GetType().GetHashCode();
            case BoolValue flag:
                return (flag.Flag ? BigInteger.One : BigInteger.Zero).GetHashCode();
            case IntValue number:
                return number.Number.GetHashCode();
            case FloatValue number when double.IsInteger(number.Number):
                return new BigInteger(number.Number).GetHashCode();
            case FloatValue number:
                return number.Number.GetHashCode();
            case ListValue list:
                var hash = default(HashCode);
                foreach (Value item in list.Items)
                    hash.Add(GetHashCode(item));
                return hash.ToHashCode();
            default:
                return System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(value);
        }
    }

    /// <summary>Equality across bool, int and float without rounding; false for anything else.</summary>
    public static bool NumbersEqual(Value x, Value y)
    {
        if (x is FloatValue fx && y is FloatValue fy)
            return fx.Number == fy.Number;
        if (x is FloatValue f)
            return Integer(y) is { } i && double.IsInteger(f.Number) && new BigInteger(f.Number) == i;
        if (y is FloatValue g)
            return Integer(x) is { } i && double.IsInteger(g.Number) && new BigInteger(g.Number) == i;
        return Integer(x) is { } a && Integer(y) is { } b && a == b;
    }

    /// <summary>The value as an integer where Python's <c>int</c> type covers it (bool included), else null.</summary>
    public static BigInteger? Integer(Value value) => value switch
    {
        IntValue number => number.Number,
        BoolValue flag => flag.Flag ? BigInteger.One : BigInteger.Zero,
        _ => null,
    };
}
