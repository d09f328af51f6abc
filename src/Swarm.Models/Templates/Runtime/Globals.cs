using System.Numerics;
using Swarm.Models.Templates.Values;

namespace Swarm.Models.Templates.Runtime;

/// <summary>The functions that every template sees unless a variable has the name.</summary>
internal static class Globals
{
    public static Dictionary<string, Value> Create(RenderContext context) => new(StringComparer.Ordinal)
    {
        ["raise_exception"] = new CallableValue("raise_exception", arguments =>
            throw new TemplateException(TemplateErrorKind.RaiseException, Printer.Str(context, arguments.Bind("raise_exception", 1, "message")[0]!))),
        ["strftime_now"] = new CallableValue("strftime_now", arguments =>
            context.Text(StrfTime.Format(context, Arguments.Text(arguments.Bind("strftime_now", 1, "format")[0], "")))),
        ["namespace"] = new CallableValue("namespace", arguments =>
        {
            var attributes = new OrderedDictionary<string, Value>(StringComparer.Ordinal);
            foreach ((Value key, Value value) in Dict(context, arguments).Entries)
                attributes[key is StringValue name ? name.Text : Printer.Str(context, key)] = value;
            return new NamespaceValue(attributes);
        }),
        ["dict"] = new CallableValue("dict", arguments => Dict(context, arguments)),
        ["range"] = new CallableValue("range", arguments => Range(context, arguments)),
        ["joiner"] = new CallableValue("joiner", arguments =>
        {
            Value separator = arguments.Bind("joiner", 0, "sep")[0] ?? new StringValue(", ");
            bool used = false;
            return new CallableValue("joiner", inner =>
            {
                inner.Bind("joiner", 0);
                Value result = used ? separator : StringValue.Empty;
                used = true;
                return result;
            });
        }),
        ["cycler"] = new CallableValue("cycler", Cycler),
    };

    private static DictValue Dict(RenderContext context, Arguments arguments)
    {
        if (arguments.Positional.Count > 1)
            throw Errors.Type($"dict expected at most 1 argument, got {arguments.Positional.Count}");
        var entries = new OrderedDictionary<Value, Value>(ValueComparer.Instance);
        if (arguments.Positional.Count == 1 && arguments.Positional[0] is DictValue source)
        {
            context.ChargeElements(source.Entries.Count);
            foreach ((Value key, Value value) in source.Entries)
                entries[key] = value;
        }
        else if (arguments.Positional.Count == 1)
        {
            foreach (Value pair in Sequences.Iterate(context, arguments.Positional[0]))
            {
                IReadOnlyList<Value> parts = context.List(Sequences.Iterate(context, pair)).Items;
                if (parts.Count != 2)
                    throw Errors.Value($"dictionary update sequence element has length {parts.Count}; 2 is required");
                entries[Operators.Key(context, parts[0])] = parts[1];
                context.ChargeElements(0);
                if (entries.Count > context.Limits.Elements)
                    throw RenderContext.Limit("a mapping", context.Limits.Elements);
            }
        }

        foreach ((string name, Value value) in arguments.Named)
            entries[new StringValue(name)] = value;
        return new DictValue(entries);
    }

    private static RangeValue Range(RenderContext context, Arguments arguments)
    {
        if (arguments.Positional.Count is < 1 or > 3 || arguments.Named.Count > 0)
            throw Errors.Type("range expected 1 to 3 arguments");
        BigInteger[] numbers = [.. arguments.Positional.Select(value => ValueComparer.Integer(value) ?? throw Errors.Expected("an integer", value))];
        BigInteger start = numbers.Length == 1 ? 0 : numbers[0], stop = numbers.Length == 1 ? numbers[0] : numbers[1], step = numbers.Length == 3 ? numbers[2] : 1;
        if (step.IsZero)
            throw Errors.Value("range() arg 3 must not be zero");
        BigInteger count = step.Sign > 0 ? (stop - start + step - 1) / step : (start - stop - step - 1) / -step;
        count = BigInteger.Max(0, count);
        if (count > context.Limits.Elements)
            throw RenderContext.Limit("a range", context.Limits.Elements);
        return new RangeValue(start, stop, step, (int)count);
    }

    private static CallableValue Cycler(Arguments arguments)
    {
        IReadOnlyList<Value> items = arguments.Positional;
        if (items.Count == 0)
            throw Errors.Type("at least one item has to be provided");
        int at = 0;
        return new CallableValue("cycler", _ => throw Errors.Type("'Cycler' object is not callable"), "Cycler")
        {
            Attributes = name => name switch
            {
                "current" => items[at],
                "next" => new CallableValue(name, _ =>
                {
                    Value current = items[at];
                    at = (at + 1) % items.Count;
                    return current;
                }),
                "reset" => new CallableValue(name, _ =>
                {
                    at = 0;
                    return NoneValue.Instance;
                }),
                _ => null,
            },
        };
    }
}
