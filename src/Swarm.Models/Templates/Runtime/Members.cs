using Swarm.Models.Templates.Values;

namespace Swarm.Models.Templates.Runtime;

/// <summary>
/// <c>x.name</c> and <c>x[index]</c>. The first looks for an attribute, then an item, the second the other way round, so that for a mapping
/// with an entry "items" <c>x.items</c> is the method and <c>x['items']</c> the entry.
/// </summary>
internal static class Members
{
    public static Value Attribute(RenderContext context, Value target, string name)
    {
        if (target is UndefinedValue undefined)
            throw undefined.Error();
        return Own(context, target, name) ?? Sequences.TryItem(context, target, new StringValue(name)) ?? Missing(target, name);
    }

    public static Value Item(RenderContext context, Value target, Value index)
    {
        if (target is UndefinedValue undefined)
            throw undefined.Error();
        if (Sequences.TryItem(context, target, index) is { } item)
            return item;
        if (index is StringValue name)
            return Own(context, target, name.Text) ?? Missing(target, name.Text);
        return new UndefinedValue($"{Describe(target)} has no element {Printer.Repr(context, index)}");
    }

    private static UndefinedValue Missing(Value target, string name)
    {
        // A name of any length may be asked for, and the message is kept.
        string shown = name.Length > 100 ? name[..100] + "…" : name;
        return new UndefinedValue($"'{Describe(target)}' has no attribute '{shown}'");
    }

    private static string Describe(Value target) => target is NoneValue ? "None" : target.TypeName + " object";

    /// <summary>What Python's <c>getattr</c> finds on the value itself; what it would find but the sandbox withholds is an undefined that says so.</summary>
    public static Value? Own(RenderContext context, Value target, string name)
    {
        Value? own = target switch
        {
            _ when name.StartsWith("__", StringComparison.Ordinal) && name.EndsWith("__", StringComparison.Ordinal) && name.Length > 4 => Unsafe(target, name),
            StringValue text => TextMethods.Find(context, text, name),
            DictValue dict => DictMethod(context, dict, name),
            ListValue list => ListMethod(context, list, name),
            NamespaceValue space => space.Attributes.TryGetValue(name, out Value? attribute) ? attribute : null,
            LoopValue loop => loop.Attribute(name),
            CallableValue callable => callable.Attributes?.Invoke(name),
            RangeValue range => name switch { "start" => new IntValue(range.Start), "stop" => new IntValue(range.Stop), "step" => new IntValue(range.Step), _ => null },
            _ => null,
        };
        return own;
    }

    private static UndefinedValue Unsafe(Value target, string name) =>
        new($"access to attribute '{name}' of '{target.TypeName}' object is unsafe.", TemplateErrorKind.SecurityError);

    private static Value? DictMethod(RenderContext context, DictValue dict, string name)
    {
        switch (name)
        {
            case "get":
                return new CallableValue(name, arguments =>
                {
                    Value?[] bound = arguments.Bind(name, 1, "key", "default");
                    return dict.Entries.TryGetValue(Operators.Key(context, bound[0]!), out Value? value) ? value : bound[1] ?? NoneValue.Instance;
                });
            case "keys" or "values" or "items":
                DictViewKind kind = name switch { "keys" => DictViewKind.Keys, "values" => DictViewKind.Values, _ => DictViewKind.Items };
                return new CallableValue(name, arguments =>
                {
                    arguments.Bind(name, 0);
                    return new DictViewValue(dict, kind);
                });
            case "copy":
                return new CallableValue(name, arguments =>
                {
                    arguments.Bind(name, 0);
                    return dict;
                });
            case "clear" or "pop" or "popitem" or "setdefault" or "update":
                return Unsafe(dict, name);
            default:
                return null;
        }
    }

    private static Value? ListMethod(RenderContext context, ListValue list, string name)
    {
        switch (name)
        {
            case "count":
                return new CallableValue(name, arguments =>
                {
                    Value wanted = arguments.Bind(name, 1, "value")[0]!;
                    return new IntValue(list.Items.Count(item => Operators.Equal(context, item, wanted)));
                });
            case "index":
                return new CallableValue(name, arguments =>
                {
                    Value?[] bound = arguments.Bind(name, 1, "value", "start", "stop");
                    int stop = Math.Min(list.Items.Count, FromEnd(Arguments.Int(bound[2], list.Items.Count), list.Items.Count));
                    for (int at = FromEnd(Arguments.Int(bound[1], 0), list.Items.Count); at < stop; at++)
                    {
                        if (Operators.Equal(context, list.Items[at], bound[0]!))
                            return new IntValue(at);
                    }

                    throw Errors.Value("the value is not in the list");
                });
            case "copy" when !list.IsTuple:
                return new CallableValue(name, arguments =>
                {
                    arguments.Bind(name, 0);
                    return list;
                });
            case "append" or "clear" or "pop" or "reverse" or "insert" or "sort" or "extend" or "remove" when !list.IsTuple:
                return Unsafe(list, name);
            default:
                return null;
        }
    }

    private static int FromEnd(int index, int count) => index < 0 ? Math.Max(0, index + count) : index;
}
