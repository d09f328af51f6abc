using System.Globalization;
using System.Numerics;
using System.Text;
using Swarm.Models.Templates.Values;

namespace Swarm.Models.Templates.Runtime;

/// <summary>The filters of Jinja, and the <c>tojson</c> of chat templates in place of its own.</summary>
internal static class Filters
{
    private delegate Value Filter(RenderContext context, Value input, Arguments arguments);

    private static readonly Dictionary<string, Filter> All = new(StringComparer.Ordinal)
    {
        ["abs"] = Abs,
        ["attr"] = Attr,
        ["batch"] = Batch,
        ["capitalize"] = (c, v, a) => Text(c, v, a, "capitalize", PyText.Capitalize),
        ["center"] = Center,
        ["count"] = Length,
        ["d"] = Default,
        ["default"] = Default,
        ["dictsort"] = DictSort,
        ["e"] = Escape,
        ["escape"] = Escape,
        ["first"] = First,
        ["float"] = Float,
        ["forceescape"] = (c, v, a) => Escape(c, new StringValue(Printer.Str(c, v)), a),
        ["format"] = Format,
        ["groupby"] = GroupBy,
        ["indent"] = Indent,
        ["int"] = Int,
        ["items"] = Items,
        ["join"] = Join,
        ["last"] = Last,
        ["length"] = Length,
        ["list"] = (c, v, a) => c.List(Sequences.Iterate(c, Only("list", v, a))),
        ["lower"] = (c, v, a) => Text(c, v, a, "lower", PyText.Lower),
        ["map"] = Map,
        ["max"] = (c, v, a) => Extreme(c, v, a, "max", ">"),
        ["min"] = (c, v, a) => Extreme(c, v, a, "min", "<"),
        ["reject"] = (c, v, a) => Select(c, v, a, byAttribute: false, keep: false),
        ["rejectattr"] = (c, v, a) => Select(c, v, a, byAttribute: true, keep: false),
        ["replace"] = Replace,
        ["reverse"] = Reverse,
        ["round"] = Round,
        ["safe"] = (c, v, a) => c.Text(Printer.Str(c, Only("safe", v, a)), safe: true),
        ["select"] = (c, v, a) => Select(c, v, a, byAttribute: false, keep: true),
        ["selectattr"] = (c, v, a) => Select(c, v, a, byAttribute: true, keep: true),
        ["slice"] = Slice,
        ["sort"] = Sort,
        ["string"] = (c, v, a) => Only("string", v, a) is StringValue text ? text : c.Text(Printer.Str(c, v)),
        ["sum"] = Sum,
        ["title"] = (c, v, a) => Text(c, v, a, "title", TitleWords),
        ["tojson"] = ToJson,
        ["trim"] = Trim,
        ["truncate"] = Truncate,
        ["unique"] = Unique,
        ["upper"] = (c, v, a) => Text(c, v, a, "upper", PyText.Upper),
        ["urlencode"] = UrlEncode,
        ["wordcount"] = WordCount,
    };

    public static IEnumerable<string> Names => All.Keys;

    public static bool Exists(string name) => All.ContainsKey(name);

    public static Value Apply(RenderContext context, string name, Value input, Arguments arguments)
    {
        if (!All.TryGetValue(name, out Filter? filter))
            throw new TemplateException(TemplateErrorKind.RuntimeError, $"no filter named '{name}'");
        context.Enter();
        Value result = filter(context, input, arguments);
        context.Leave();
        return result;
    }

    // Text

    /// <summary>The input of a filter that takes no arguments.</summary>
    private static Value Only(string name, Value value, Arguments arguments)
    {
        arguments.Bind(name, 0);
        return value;
    }

    /// <summary>The input as text, safe text staying safe.</summary>
    private static StringValue Soft(RenderContext context, Value value) => value as StringValue ?? new StringValue(Printer.Str(context, value));

    private static StringValue Text(RenderContext context, Value value, Arguments arguments, string name, Func<string, string> change)
    {
        StringValue text = Soft(context, Only(name, value, arguments));
        context.ChargeText(text.Text.Length);
        return context.Text(change(text.Text), text.Safe);
    }

    /// <summary>A title-case that starts words behind blanks and opening brackets only, so that "it's" stays one word.</summary>
    private static string TitleWords(string text)
    {
        var result = new StringBuilder(text.Length);
        bool start = true;
        foreach (string one in PyText.CodePoints(text))
        {
            result.Append(start ? PyText.Upper(one) : PyText.Lower(one));
            start = one[0] is '-' or '(' or '{' or '[' or '<' || PyText.IsSpace(one[0]);
        }

        return result.ToString();
    }

    private static StringValue Trim(RenderContext context, Value value, Arguments arguments) =>
        TextMethods.Strip(context, Soft(context, value), arguments.Bind("trim", 0, "chars")[0], left: true, right: true);

    private static StringValue Center(RenderContext context, Value value, Arguments arguments) =>
        TextMethods.Justify(context, Soft(context, value), Arguments.Int(arguments.Bind("center", 0, "width")[0], 80), ' ', left: null);

    private static StringValue Escape(RenderContext context, Value value, Arguments arguments)
    {
        if (Only("escape", value, arguments) is StringValue { Safe: true } safe)
            return safe;
        string text = Printer.Str(context, value);
        context.ChargeText(text.Length * 6L);
        return context.Text(PyText.EscapeHtml(text), safe: true);
    }

    private static StringValue Format(RenderContext context, Value value, Arguments arguments)
    {
        if (arguments.Positional.Count > 0 && arguments.Named.Count > 0)
            throw Errors.Type("can't handle positional and keyword arguments at the same time");
        Value values = arguments.Named.Count == 0
            ? new ListValue(arguments.Positional, isTuple: true)
            : new DictValue(new OrderedDictionary<Value, Value>(arguments.Named.Select(named => KeyValuePair.Create<Value, Value>(new StringValue(named.Key), named.Value)), ValueComparer.Instance));
        StringValue format = Soft(context, value);
        return context.Text(PercentFormat.Apply(context, format.Text, values), format.Safe);
    }

    private static StringValue Indent(RenderContext context, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("indent", 0, "width", "first", "blank");
        string indent;
        if (bound[0] is StringValue given)
        {
            indent = given.Text;
        }
        else
        {
            int width = Math.Max(0, Arguments.Int(bound[0], 4));
            context.ChargeText(width);
            indent = new string(' ', width);
        }

        if (value is not StringValue text)
            throw Errors.Expected("a string to indent", value);
        bool first = Flag(bound[1]), blank = Flag(bound[2]);
        context.ChargeText(text.Text.Length);
        List<string> lines = PyText.SplitLines(text.Text + "\n", keepEnds: false);
        context.ChargeElements(lines.Count);
        context.ChargeText(text.Text.Length + (long)lines.Count * indent.Length);
        var result = new StringBuilder();
        for (int i = 0; i < lines.Count; i++)
        {
            if (i > 0)
                result.Append('\n');
            // The first line is not indented unless asked for, blank or not; blank ones after it only with "blank".
            if (i == 0 ? first : blank || lines[i].Length > 0)
                result.Append(indent);
            result.Append(lines[i]);
        }

        return context.Text(result.ToString(), text.Safe);
    }

    private static StringValue Replace(RenderContext context, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("replace", 2, "old", "new", "count");
        string old = Printer.Str(context, bound[0]!), with = Printer.Str(context, bound[1]!);
        return new StringValue(TextMethods.Replace(context, Printer.Str(context, value), old, with, Arguments.Int(bound[2], -1)));
    }

    private static StringValue Join(RenderContext context, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("join", 0, "d", "attribute");
        string separator = bound[0] is null ? "" : Printer.Str(context, bound[0]!);
        Func<Value, Value> key = Getter(context, bound[1], null, false);
        var result = new StringBuilder();
        bool first = true;
        foreach (Value item in Sequences.Iterate(context, value))
        {
            string part = Printer.Str(context, key(item));
            context.Charge(1 + (part.Length + separator.Length) / 16);
            if (result.Length + (long)part.Length + separator.Length > context.Limits.StringChars)
                throw RenderContext.Limit("a string", context.Limits.StringChars);
            if (!first)
                result.Append(separator);
            first = false;
            result.Append(part);
        }

        return new StringValue(result.ToString());
    }

    private static Value Truncate(RenderContext context, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("truncate", 0, "length", "killwords", "end", "leeway");
        string end = Arguments.Text(bound[2], "...");
        int length = Arguments.Int(bound[0], 255), leeway = Arguments.Int(bound[3], 5);
        if (length < PyText.Length(end) || leeway < 0)
            throw Errors.Value($"truncate to {length} with leeway {leeway}: expected a length of at least {PyText.Length(end)} and a leeway of at least 0");
        // Anything that is short enough passes as it is.
        if (Sequences.Length(context, value) <= (long)length + leeway)
            return value;
        if (value is not StringValue text)
            throw Errors.Expected("a string to truncate", value);
        string head = ((StringValue)Sequences.Slice(context, text, 0, length - PyText.Length(end), null)).Text;
        if (!Flag(bound[1]) && head.LastIndexOf(' ') is int blank and >= 0)
            head = head[..blank];
        return context.Text(head + end);
    }

    private static IntValue WordCount(RenderContext context, Value value, Arguments arguments)
    {
        string text = Soft(context, Only("wordcount", value, arguments)).Text;
        context.ChargeText(text.Length);
        int count = 0;
        bool inWord = false;
        foreach (string one in PyText.CodePoints(text))
        {
            bool word = one == "_" || char.IsLetterOrDigit(one, 0) || PyText.Category(one) is UnicodeCategory.OtherNumber or UnicodeCategory.LetterNumber;
            if (word && !inWord)
                count++;
            inWord = word;
        }

        return new IntValue(count);
    }

    private static StringValue UrlEncode(RenderContext context, Value value, Arguments arguments)
    {
        Only("urlencode", value, arguments);
        if (value is StringValue || !Sequences.IsIterable(value))
            return context.Text(Quote(context, value, query: false));
        IEnumerable<Value> pairs = value is DictValue dict ? Sequences.Iterate(context, new DictViewValue(dict, DictViewKind.Items)) : Sequences.Iterate(context, value);
        var result = new StringBuilder();
        foreach (Value pair in pairs)
        {
            ListValue parts = context.List(Sequences.Iterate(context, pair));
            if (parts.Items.Count != 2)
                throw Errors.Value($"expected pairs of a key and a value, got {parts.Items.Count} elements");
            int before = result.Length;
            result.Append(result.Length == 0 ? "" : "&").Append(Quote(context, parts.Items[0], query: true)).Append('=').Append(Quote(context, parts.Items[1], query: true));
            context.ChargeAppend(before, result.Length - before);
        }

        return context.Text(result.ToString());
    }

    private static string Quote(RenderContext context, Value value, bool query)
    {
        string text = Printer.Str(context, value);
        context.ChargeText(text.Length * 9L);
        var result = new StringBuilder(text.Length);
        foreach (byte b in Encoding.UTF8.GetBytes(text))
        {
            char c = (char)b;
            if (char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-' or '~' || (c == '/' && !query))
                result.Append(c);
            else if (c == ' ' && query)
                result.Append('+');
            else
                result.Append(CultureInfo.InvariantCulture, $"%{b:X2}");
        }

        return result.ToString();
    }

    private static StringValue ToJson(RenderContext context, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("tojson", 0, "ensure_ascii", "indent", "separators", "sort_keys");
        string? indent = null;
        if (bound[1] is StringValue given)
        {
            indent = given.Text;
        }
        else if (bound[1] is not (null or NoneValue))
        {
            int width = Math.Max(0, Arguments.Int(bound[1], 0));
            context.ChargeText(width);
            indent = new string(' ', width);
        }

        string item = indent is null ? ", " : ",", key = ": ";
        if (bound[2] is ListValue { Items: [StringValue itemSeparator, StringValue keySeparator] })
            (item, key) = (itemSeparator.Text, keySeparator.Text);
        else if (bound[2] is not (null or NoneValue))
            throw Errors.Expected("two separators", bound[2]!);
        return context.Text(JsonText.Write(context, value, new JsonTextOptions(indent, item, key, Flag(bound[0]), Flag(bound[3]))));
    }

    // Numbers

    private static Value Abs(RenderContext context, Value value, Arguments arguments) => Only("abs", value, arguments) is FloatValue number
        ? new FloatValue(Math.Abs(number.Number))
        : new IntValue(BigInteger.Abs(ValueComparer.Integer(value) ?? throw Errors.Expected("a number", value)));

    private static Value Int(RenderContext context, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("int", 0, "default", "base");
        if (value is UndefinedValue undefined)
            throw undefined.Error();
        BigInteger? number = value switch
        {
            FloatValue f => Truncated(f.Number, infinityFails: true),
            StringValue text => PyNumber.ParseInteger(text.Text, Arguments.Int(bound[1], 10), context.Limits.IntegerBits)
                ?? (PyNumber.ParseFloat(text.Text) is { } parsed ? Truncated(parsed, infinityFails: false) : null),
            _ => ValueComparer.Integer(value),
        };
        return number is null ? bound[0] ?? new IntValue(0) : context.Integer(number.Value);
    }

    private static BigInteger? Truncated(double number, bool infinityFails)
    {
        if (double.IsInfinity(number) && infinityFails)
            throw Errors.Arithmetic("cannot convert float infinity to integer");
        return double.IsFinite(number) ? new BigInteger(Math.Truncate(number)) : null;
    }

    private static Value Float(RenderContext context, Value value, Arguments arguments)
    {
        Value? absent = arguments.Bind("float", 0, "default")[0];
        if (value is UndefinedValue undefined)
            throw undefined.Error();
        double? number = value is StringValue text ? PyNumber.ParseFloat(text.Text) : Operators.Number(value);
        return number is null ? absent ?? new FloatValue(0) : new FloatValue(number.Value);
    }

    private static Value Round(RenderContext context, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("round", 0, "precision", "method");
        int precision = Arguments.Int(bound[0], 0);
        string method = Arguments.Text(bound[1], "common");
        if (method is not ("common" or "ceil" or "floor"))
            throw Errors.Value("method must be common, ceil or floor");
        if (precision is < -300 or > 300)
            throw Errors.Value($"precision {precision}, expected -300 to 300");
        double number = Operators.Number(value) ?? throw Errors.Expected("a number", value);
        if (method != "common")
        {
            double scale = Math.Pow(10, precision), scaled = number * scale;
            if (!double.IsFinite(scaled))
                throw Errors.Arithmetic("cannot convert float infinity or NaN to integer");
            return new FloatValue((method == "ceil" ? Math.Ceiling(scaled) : Math.Floor(scaled)) / scale);
        }

        if (ValueComparer.Integer(value) is { } integer)
            return new IntValue(precision >= 0 ? integer : RoundInteger(integer, BigInteger.Pow(10, -precision)));
        if (!double.IsFinite(number))
            return new FloatValue(number);
        double rounded = precision >= 0
            ? double.Parse(PyNumber.Fixed(number, precision), NumberStyles.Float, CultureInfo.InvariantCulture)
            : (double)RoundInteger(new BigInteger(Math.Round(number)), BigInteger.Pow(10, -precision));
        return new FloatValue(rounded);
    }

    /// <summary>To a multiple of <paramref name="unit"/>, ties to the even one.</summary>
    private static BigInteger RoundInteger(BigInteger number, BigInteger unit)
    {
        BigInteger quotient = BigInteger.DivRem(number, unit, out BigInteger rest);
        int half = (BigInteger.Abs(rest) * 2).CompareTo(unit);
        if (half > 0 || (half == 0 && !quotient.IsEven))
            quotient += number.Sign;
        return quotient * unit;
    }

    private static Value Sum(RenderContext context, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("sum", 0, "attribute", "start");
        Func<Value, Value> key = Getter(context, bound[0], null, false);
        Value total = bound[1] ?? new IntValue(0);
        if (total is StringValue)
            throw Errors.Type("sum() can't sum strings");
        foreach (Value item in Sequences.Iterate(context, value))
            total = Operators.Arithmetic(context, "+", total, key(item));
        return total;
    }

    // Sequences and mappings

    private static bool Flag(Value? value) => value is not null && Operators.Truth(value);

    private static IntValue Length(RenderContext context, Value value, Arguments arguments) => new(Sequences.Length(context, Only("length", value, arguments)));

    private static Value Default(RenderContext context, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("default", 0, "default_value", "boolean");
        return value is UndefinedValue || (Flag(bound[1]) && !Operators.Truth(value)) ? bound[0] ?? StringValue.Empty : value;
    }

    private static Value Attr(RenderContext context, Value value, Arguments arguments)
    {
        string name = Printer.Str(context, arguments.Bind("attr", 1, "name")[0]!);
        if (value is UndefinedValue undefined)
            throw undefined.Error();
        return value is NamespaceValue ? new UndefinedValue($"no attribute '{name}'") : Members.Own(context, value, name) ?? new UndefinedValue($"'{value.TypeName} object' has no attribute of that name");
    }

    private static Value First(RenderContext context, Value value, Arguments arguments)
    {
        foreach (Value item in Sequences.Iterate(context, Only("first", value, arguments)))
            return item;
        return new UndefinedValue("No first item, sequence was empty.");
    }

    private static Value Last(RenderContext context, Value value, Arguments arguments)
    {
        if (Only("last", value, arguments) is ListValue { Items: [.., Value last] })
            return last;
        foreach (Value item in Sequences.Reversed(context, value) ?? throw Errors.Expected("a sequence", value))
            return item;
        return new UndefinedValue("No last item, sequence was empty.");
    }

    private static Value Reverse(RenderContext context, Value value, Arguments arguments)
    {
        if (Only("reverse", value, arguments) is StringValue text)
            return Sequences.Slice(context, text, null, null, BigInteger.MinusOne);
        IEnumerable<Value> reversed = Sequences.Reversed(context, value) ?? context.List(Sequences.Iterate(context, value)).Items.Reverse();
        return new IteratorValue(reversed.GetEnumerator(), "reversed");
    }

    private static IteratorValue Items(RenderContext context, Value value, Arguments arguments)
    {
        Only("items", value, arguments);
        return new IteratorValue(Read().GetEnumerator());

        IEnumerable<Value> Read()
        {
            if (value is UndefinedValue)
                yield break;
            if (value is not DictValue dict)
                throw Errors.Type("Can only get item pairs from a mapping.");
            foreach (Value pair in Sequences.Iterate(context, new DictViewValue(dict, DictViewKind.Items)))
                yield return pair;
        }
    }

    private static IteratorValue Batch(RenderContext context, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("batch", 1, "linecount", "fill_with");
        int count = Arguments.Int(bound[0], 0);
        return new IteratorValue(Read().GetEnumerator());

        IEnumerable<Value> Read()
        {
            var row = new List<Value>();
            foreach (Value item in Sequences.Iterate(context, value))
            {
                context.Charge();
                if (row.Count == count)
                {
                    yield return new ListValue(row);
                    row = [];
                }

                row.Add(item);
            }

            if (row.Count == 0)
                yield break;
            if (bound[1] is not (null or NoneValue) && row.Count < count)
            {
                context.ChargeElements(count);
                row.AddRange(Enumerable.Repeat(bound[1]!, count - row.Count));
            }

            yield return new ListValue(row);
        }
    }

    private static IteratorValue Slice(RenderContext context, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("slice", 1, "slices", "fill_with");
        int slices = Arguments.Int(bound[0], 0);
        return new IteratorValue(Read().GetEnumerator());

        IEnumerable<Value> Read()
        {
            IReadOnlyList<Value> all = context.List(Sequences.Iterate(context, value)).Items;
            if (slices == 0)
                throw Errors.Arithmetic("integer division or modulo by zero");
            if (slices < 0)
                yield break;
            (int size, int larger) = Math.DivRem(all.Count, slices);
            int at = 0;
            for (int i = 0; i < slices; i++)
            {
                int count = size + (i < larger ? 1 : 0);
                List<Value> part = [.. all.Skip(at).Take(count)];
                context.Charge(1 + count);
                at += count;
                if (bound[1] is not (null or NoneValue) && i >= larger)
                    part.Add(bound[1]!);
                yield return new ListValue(part);
            }
        }
    }

    private static IteratorValue Map(RenderContext context, Value value, Arguments arguments)
    {
        Func<Value, Value> change;
        if (arguments.Positional.Count == 0 && arguments.Find("attribute") is not null)
        {
            Value?[] bound = arguments.Bind("map", 0, "attribute", "default");
            change = Getter(context, bound[0], bound[1], false);
        }
        else if (arguments.Positional.Count == 0)
        {
            throw Errors.Type("map requires a filter argument");
        }
        else
        {
            string name = Arguments.Text(arguments.Positional[0], "");
            Arguments rest = arguments.Skip(1);
            change = item => Apply(context, name, item, rest);
        }

        return new IteratorValue(Elements(context, value).Select(change).GetEnumerator());
    }

    /// <summary>What is false, None included, is as good as empty for <c>map</c> and <c>select</c>; whether it iterates shows when it is read.</summary>
    private static IEnumerable<Value> Elements(RenderContext context, Value value)
    {
        if (!Operators.Truth(value))
            yield break;
        foreach (Value item in Sequences.Iterate(context, value))
            yield return item;
    }

    private static IteratorValue Select(RenderContext context, Value value, Arguments arguments, bool byAttribute, bool keep)
    {
        Func<Value, Value> key = item => item;
        if (byAttribute)
        {
            key = Getter(context, arguments.Positional.Count > 0 ? arguments.Positional[0] : throw Errors.Type("Missing parameter for attribute name"), null, false);
            arguments = arguments.Skip(1);
        }

        Func<Value, bool> test = Operators.Truth;
        if (arguments.Positional.Count > 0)
        {
            string name = Arguments.Text(arguments.Positional[0], "");
            Arguments rest = arguments.Skip(1);
            test = item => Tests.Apply(context, name, item, rest);
        }

        return new IteratorValue(Elements(context, value).Where(item => test(key(item)) == keep).GetEnumerator());
    }

    private static ListValue DictSort(RenderContext context, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("dictsort", 0, "case_sensitive", "by", "reverse");
        string by = Arguments.Text(bound[1], "key");
        if (by is not ("key" or "value"))
            throw Errors.Value("You can only sort by either \"key\" or \"value\"");
        DictValue dict = value as DictValue ?? throw Errors.Expected("a mapping", value);
        bool sensitive = Flag(bound[0]);
        List<KeyValuePair<Value, Value>> sorted = Sequences.Sort(context, dict.Entries, entry => Fold(by == "key" ? entry.Key : entry.Value, sensitive), Flag(bound[2]));
        return new ListValue(sorted.ConvertAll(Value (entry) => new ListValue([entry.Key, entry.Value], isTuple: true)));
    }

    private static ListValue Sort(RenderContext context, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("sort", 0, "reverse", "case_sensitive", "attribute");
        Func<Value, Value> key = MultiGetter(context, bound[2], Flag(bound[1]));
        IReadOnlyList<Value> items = context.List(Sequences.Iterate(context, value)).Items;
        return new ListValue(Sequences.Sort(context, items, key, Flag(bound[0])));
    }

    private static IteratorValue Unique(RenderContext context, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("unique", 0, "case_sensitive", "attribute");
        Func<Value, Value> key = Getter(context, bound[1], null, true, Flag(bound[0]));
        return new IteratorValue(Read().GetEnumerator());

        IEnumerable<Value> Read()
        {
            var seen = new HashSet<Value>(ValueComparer.Instance);
            foreach (Value item in Sequences.Iterate(context, value))
            {
                context.Charge();
                if (seen.Add(Operators.Key(context, key(item))))
                    yield return item;
            }
        }
    }

    private static Value Extreme(RenderContext context, Value value, Arguments arguments, string name, string symbol)
    {
        Value?[] bound = arguments.Bind(name, 0, "case_sensitive", "attribute");
        Func<Value, Value> key = Getter(context, bound[1], null, true, Flag(bound[0]));
        Value? best = null, bestKey = null;
        foreach (Value item in Sequences.Iterate(context, value))
        {
            Value itemKey = key(item);
            if (bestKey is null || Operators.Order(context, symbol, itemKey, bestKey))
                (best, bestKey) = (item, itemKey);
        }

        return best ?? new UndefinedValue("No aggregated item, sequence was empty.");
    }

    private static ListValue GroupBy(RenderContext context, Value value, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("groupby", 1, "attribute", "default", "case_sensitive");
        bool sensitive = Flag(bound[2]);
        Func<Value, Value> key = Getter(context, bound[0], bound[1], true, sensitive), shown = Getter(context, bound[0], bound[1], false);
        List<Value> sorted = Sequences.Sort(context, context.List(Sequences.Iterate(context, value)).Items, key, reverse: false);
        var groups = new List<Value>();
        for (int at = 0; at < sorted.Count;)
        {
            int start = at;
            Value first = key(sorted[start]);
            while (at < sorted.Count && Operators.Equal(context, key(sorted[at]), first))
                at++;
            // An element that does not equal itself (NaN) is still a group.
            at = Math.Max(at, start + 1);
            groups.Add(new ListValue([shown(sorted[start]), new ListValue(sorted[start..at])], isTuple: true));
        }

        return new ListValue(groups);
    }

    private static Value Fold(Value value, bool sensitive) => !sensitive && value is StringValue text ? new StringValue(PyText.Lower(text.Text)) : value;

    /// <summary>An attribute by a path such as "function.name" or 0; absent, the value itself.</summary>
    private static Func<Value, Value> Getter(RenderContext context, Value? path, Value? absent, bool fold, bool sensitive = false)
    {
        List<Value> parts = Path(context, path);
        return item =>
        {
            foreach (Value part in parts)
            {
                context.Charge();
                item = Members.Item(context, item, part);
                if (item is UndefinedValue && absent is not (null or NoneValue))
                    item = absent;
            }

            return fold ? Fold(item, sensitive) : item;
        };
    }

    private static Func<Value, Value> MultiGetter(RenderContext context, Value? paths, bool sensitive)
    {
        List<Func<Value, Value>> getters = paths is StringValue text
            ? PyText.Split(text.Text, ",", -1).ConvertAll(path => Getter(context, new StringValue(path), null, true, sensitive))
            : [Getter(context, paths, null, true, sensitive)];
        // A list even for one attribute: two undefined are then equal instead of an error.
        return item => new ListValue(getters.ConvertAll(getter => getter(item)));
    }

    private static List<Value> Path(RenderContext context, Value? path)
    {
        if (path is null or NoneValue)
            return [];
        if (path is not StringValue text)
            return [path];
        context.ChargeText(text.Text.Length);
        return PyText.Split(text.Text, ".", -1).ConvertAll(Value (part) =>
            part.Length is > 0 and < 20 && part.All(char.IsAsciiDigit) ? new IntValue(BigInteger.Parse(part, CultureInfo.InvariantCulture)) : new StringValue(part));
    }
}
