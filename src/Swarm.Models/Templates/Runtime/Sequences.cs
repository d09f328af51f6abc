using System.Numerics;
using Swarm.Models.Templates.Values;

namespace Swarm.Models.Templates.Runtime;

/// <summary>Iteration, length, indexing, slicing and sorting.</summary>
internal static class Sequences
{
    public static bool IsIterable(Value value) => value is StringValue or ListValue or DictValue or DictViewValue or RangeValue or IteratorValue or UndefinedValue or LoopValue;

    public static IEnumerable<Value> Iterate(RenderContext context, Value value) => value switch
    {
        ListValue list => list.Items,
        DictValue dict => dict.Entries.Keys,
        DictViewValue view => Elements(view),
        StringValue text => PyText.CodePoints(text.Text).Select(one => new StringValue(one)),
        RangeValue range => Enumerable.Range(0, range.Count).Select(Value (i) => range.At(i)),
        UndefinedValue => [],
        IteratorValue iterator => Read(context, iterator),
        LoopValue loop => loop.Rest(),
        _ => throw Errors.Type($"'{value.TypeName}' object is not iterable"),
    };

    private static IEnumerable<Value> Elements(DictViewValue view) => view.Kind switch
    {
        DictViewKind.Keys => view.Source.Entries.Keys,
        DictViewKind.Values => view.Source.Entries.Values,
        _ => view.Source.Entries.Select(entry => new ListValue([entry.Key, entry.Value], isTuple: true)),
    };

    /// <summary>An iterator may read another and so on: each is one level of the stack.</summary>
    private static IEnumerable<Value> Read(RenderContext context, IteratorValue iterator)
    {
        while (true)
        {
            context.Enter();
            bool more;
            try
            {
                more = iterator.Source.MoveNext();
            }
            finally
            {
                context.Leave();
            }

            if (!more)
                yield break;
            yield return iterator.Source.Current;
        }
    }

    /// <summary>Python's <c>len</c>, or null where there is none.</summary>
    public static int? TryLength(RenderContext context, Value value)
    {
        if (value is not StringValue text)
            return TryCount(value);
        context.ChargeText(text.Text.Length);
        return PyText.Length(text.Text);
    }

    /// <summary>The number of elements of what is no text, which is known without looking at them.</summary>
    public static int? TryCount(Value value) => value switch
    {
        ListValue list => list.Items.Count,
        DictValue dict => dict.Entries.Count,
        DictViewValue view => view.Source.Entries.Count,
        RangeValue range => range.Count,
        UndefinedValue => 0,
        LoopValue loop => loop.Length,
        _ => null,
    };

    public static int Length(RenderContext context, Value value) => TryLength(context, value) ?? throw Errors.Type($"object of type '{value.TypeName}' has no len()");

    /// <summary>Elements from the last to the first, for what Python's <c>reversed</c> takes; null for the rest.</summary>
    public static IEnumerable<Value>? Reversed(RenderContext context, Value value)
    {
        if (value is not (ListValue or DictValue or DictViewValue or RangeValue or StringValue or UndefinedValue))
            return null;
        // They are copied to be turned round.
        context.Charge(1 + (value is StringValue text ? text.Text.Length : TryCount(value)!.Value));
        return Iterate(context, value).Reverse();
    }

    /// <summary>Item by index or key; null where there is none of that index or key, or the type has no items.</summary>
    public static Value? TryItem(RenderContext context, Value target, Value index)
    {
        if (target is DictValue dict)
            return Operators.IsKey(context, index) && dict.Entries.TryGetValue(index, out Value? found) ? found : null;
        if (ValueComparer.Integer(index) is not { } number)
            return null;
        if (target is StringValue whole)
            context.ChargeText(whole.Text.Length);
        switch (target)
        {
            case ListValue list:
                return Position(number, list.Items.Count) is int at ? list.Items[at] : null;
            case RangeValue range:
                return Position(number, range.Count) is int step ? range.At(step) : null;
            case StringValue text when !PyText.HasSurrogates(text.Text):
                return Position(number, text.Text.Length) is int c ? new StringValue(text.Text[c].ToString(), text.Safe) : null;
            case StringValue text:
                List<string> points = [.. PyText.CodePoints(text.Text)];
                return Position(number, points.Count) is int p ? new StringValue(points[p], text.Safe) : null;
            default:
                return null;
        }
    }

    private static int? Position(BigInteger index, int count)
    {
        if (index.Sign < 0)
            index += count;
        return index.Sign >= 0 && index < count ? (int)index : null;
    }

    public static Value Slice(RenderContext context, Value target, BigInteger? start, BigInteger? stop, BigInteger? step)
    {
        if (target is StringValue whole)
            context.ChargeText(whole.Text.Length);
        switch (target)
        {
            case ListValue list:
                return context.List(Indices(list.Items.Count, start, stop, step).Select(i => list.Items[i]), list.IsTuple);
            case RangeValue range:
                return context.List(Indices(range.Count, start, stop, step).Select(Value (i) => range.At(i)));
            case StringValue text when step is null or { IsOne: true } && !PyText.HasSurrogates(text.Text):
                (int from, int to) = Bounds(text.Text.Length, start, stop);
                return context.Text(to > from ? text.Text[from..to] : "", text.Safe);
            case StringValue text:
                List<string> points = [.. PyText.CodePoints(text.Text)];
                return context.Text(string.Concat(Indices(points.Count, start, stop, step).Select(i => points[i])), text.Safe);
            default:
                throw Errors.Expected("a list or string to slice", target);
        }
    }

    private static (int From, int To) Bounds(int count, BigInteger? start, BigInteger? stop) => (Clamp(start ?? 0, count, 0, count), Clamp(stop ?? count, count, 0, count));

    private static int Clamp(BigInteger index, int count, int low, int high)
    {
        if (index.Sign < 0)
            index += count;
        return (int)BigInteger.Max(low, BigInteger.Min(high, index));
    }

    private static IEnumerable<int> Indices(int count, BigInteger? start, BigInteger? stop, BigInteger? step)
    {
        BigInteger by = step ?? BigInteger.One;
        if (by.IsZero)
            throw Errors.Value("slice step cannot be zero");
        bool down = by.Sign < 0;
        int low = down ? -1 : 0, high = down ? count - 1 : count;
        int first = start is null ? (down ? high : low) : Clamp(start.Value, count, low, high);
        int last = stop is null ? (down ? low : high) : Clamp(stop.Value, count, low, high);
        return Walk(first, last, by);

        static IEnumerable<int> Walk(BigInteger at, int end, BigInteger by)
        {
            for (; by.Sign < 0 ? at > end : at < end; at += by)
                yield return (int)at;
        }
    }

    /// <summary>
    /// A stable sort that only asks whether one key is less than another, as Python's does; keys that have no order are its TypeError.
    /// </summary>
    public static List<T> Sort<T>(RenderContext context, IEnumerable<T> items, Func<T, Value> key, bool reverse)
    {
        (Value Key, T Item)[] run = [.. items.Select(item => (key(item), item))];
        context.ChargeElements(run.Length);
        // Stable in reverse too: equal elements keep their order.
        if (reverse)
            Array.Reverse(run);
        (Value Key, T Item)[] other = new (Value, T)[run.Length];
        for (int width = 1; width < run.Length; width *= 2)
        {
            for (int low = 0; low < run.Length; low += 2 * width)
                Merge(context, run, other, low, Math.Min(low + width, run.Length), Math.Min(low + 2 * width, run.Length));
            (run, other) = (other, run);
        }

        if (reverse)
            Array.Reverse(run);
        return [.. run.Select(pair => pair.Item)];
    }

    private static void Merge<T>(RenderContext context, (Value Key, T Item)[] from, (Value Key, T Item)[] to, int low, int middle, int high)
    {
        int left = low, right = middle;
        for (int at = low; at < high; at++)
        {
            bool takeRight = left >= middle || (right < high && Operators.Order(context, "<", from[right].Key, from[left].Key));
            to[at] = takeRight ? from[right++] : from[left++];
        }
    }
}
