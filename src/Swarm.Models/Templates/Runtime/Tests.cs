using System.Globalization;
using System.Numerics;
using Swarm.Models.Templates.Values;

namespace Swarm.Models.Templates.Runtime;

/// <summary>The tests of Jinja: <c>value is name</c>.</summary>
internal static class Tests
{
    private delegate bool Test(RenderContext context, Value value, Arguments arguments);

    private static readonly Dictionary<string, Test> All = new(StringComparer.Ordinal)
    {
        ["boolean"] = Plain("boolean", value => value is BoolValue),
        ["callable"] = Plain("callable", value => value is CallableValue or LoopValue or UndefinedValue),
        ["defined"] = Plain("defined", value => value is not UndefinedValue),
        ["undefined"] = Plain("undefined", value => value is UndefinedValue),
        ["divisibleby"] = (c, v, a) => IsZero(Operators.Arithmetic(c, "%", v, a.Bind("divisibleby", 1, "num")[0]!)),
        ["odd"] = (c, v, a) => Operators.Equal(c, Remainder(c, v, a, "odd"), new IntValue(1)),
        ["even"] = (c, v, a) => IsZero(Remainder(c, v, a, "even")),
        ["escaped"] = Plain("escaped", value => value is StringValue { Safe: true }),
        ["false"] = Plain("false", value => value is BoolValue { Flag: false }),
        ["true"] = Plain("true", value => value is BoolValue { Flag: true }),
        ["filter"] = (c, v, a) => Named(c, "filter", v, a) is { } name && Filters.Exists(name),
        ["test"] = (c, v, a) => Named(c, "test", v, a) is { } name && Exists(name),
        ["float"] = Plain("float", value => value is FloatValue),
        ["integer"] = Plain("integer", value => value is IntValue),
        ["number"] = Plain("number", value => value is IntValue or FloatValue or BoolValue),
        ["in"] = (c, v, a) => Operators.Contains(c, a.Bind("in", 1, "seq")[0]!, v),
        ["iterable"] = Plain("iterable", Sequences.IsIterable),
        ["lower"] = (c, v, a) => PyText.IsCase(Text(c, v, a, "lower"), UnicodeCategory.LowercaseLetter),
        ["upper"] = (c, v, a) => PyText.IsCase(Text(c, v, a, "upper"), UnicodeCategory.UppercaseLetter),
        ["mapping"] = Plain("mapping", value => value is DictValue),
        ["none"] = Plain("none", value => value is NoneValue),
        ["sameas"] = SameAs,
        ["sequence"] = Plain("sequence", value => value is StringValue or ListValue or DictValue or RangeValue or UndefinedValue),
        ["string"] = Plain("string", value => value is StringValue),
        ["=="] = Comparison("=="), ["eq"] = Comparison("=="), ["equalto"] = Comparison("=="),
        ["!="] = Comparison("!="), ["ne"] = Comparison("!="),
        ["<"] = Comparison("<"), ["lt"] = Comparison("<"), ["lessthan"] = Comparison("<"),
        ["<="] = Comparison("<="), ["le"] = Comparison("<="),
        [">"] = Comparison(">"), ["gt"] = Comparison(">"), ["greaterthan"] = Comparison(">"),
        [">="] = Comparison(">="), ["ge"] = Comparison(">="),
    };

    public static IEnumerable<string> Names => All.Keys;

    public static bool Exists(string name) => All.ContainsKey(name);

    public static bool Apply(RenderContext context, string name, Value value, Arguments arguments)
    {
        context.Charge();
        return All.TryGetValue(name, out Test? test) ? test(context, value, arguments) : throw new TemplateException(TemplateErrorKind.RuntimeError, $"no test named '{name}'");
    }

    private static Test Plain(string name, Func<Value, bool> test) => (_, value, arguments) =>
    {
        arguments.Bind(name, 0);
        return test(value);
    };

    private static Test Comparison(string symbol) => (context, value, arguments) => Operators.Compare(context, symbol, value, arguments.Bind(symbol, 1, "other")[0]!);

    private static bool IsZero(Value value) => Operators.Number(value) == 0;

    private static Value Remainder(RenderContext context, Value value, Arguments arguments, string name)
    {
        arguments.Bind(name, 0);
        return Operators.Arithmetic(context, "%", value, new IntValue(2));
    }

    private static string? Named(RenderContext context, string name, Value value, Arguments arguments)
    {
        arguments.Bind(name, 0);
        return (Operators.Key(context, value) as StringValue)?.Text;
    }

    private static string Text(RenderContext context, Value value, Arguments arguments, string name)
    {
        arguments.Bind(name, 0);
        string text = Printer.Str(context, value);
        context.ChargeText(text.Length);
        return text;
    }

    /// <summary>Identity, which for booleans, None and small integers is equality of value and type.</summary>
    private static bool SameAs(RenderContext context, Value value, Arguments arguments)
    {
        Value other = arguments.Bind("sameas", 1, "other")[0]!;
        return ReferenceEquals(value, other) || (value is IntValue a && other is IntValue b && a.Number == b.Number && BigInteger.Abs(a.Number) < 256);
    }
}
