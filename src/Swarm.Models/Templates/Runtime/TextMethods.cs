using System.Globalization;
using Swarm.Models.Templates.Values;

namespace Swarm.Models.Templates.Runtime;

/// <summary>The methods of Python's <c>str</c>.</summary>
internal static class TextMethods
{
    private delegate Value Method(RenderContext context, StringValue self, Arguments arguments);

    private static readonly Dictionary<string, Method> All = new(StringComparer.Ordinal)
    {
        ["strip"] = (c, s, a) => Strip(c, s, a, "strip", left: true, right: true),
        ["lstrip"] = (c, s, a) => Strip(c, s, a, "lstrip", left: true, right: false),
        ["rstrip"] = (c, s, a) => Strip(c, s, a, "rstrip", left: false, right: true),
        ["split"] = (c, s, a) => Split(c, s, a, "split", PyText.Split),
        ["rsplit"] = (c, s, a) => Split(c, s, a, "rsplit", PyText.SplitFromEnd),
        ["splitlines"] = SplitLines,
        ["startswith"] = (c, s, a) => BoolValue.Of(Affix(c, s.Text, a, "startswith", (text, part) => text.StartsWith(part, StringComparison.Ordinal))),
        ["endswith"] = (c, s, a) => BoolValue.Of(Affix(c, s.Text, a, "endswith", (text, part) => text.EndsWith(part, StringComparison.Ordinal))),
        ["upper"] = (c, s, a) => Plain(c, s, a, "upper", PyText.Upper),
        ["lower"] = (c, s, a) => Plain(c, s, a, "lower", PyText.Lower),
        ["casefold"] = (c, s, a) => Plain(c, s, a, "casefold", text => PyText.Lower(text).Replace("ß", "ss", StringComparison.Ordinal)),
        ["title"] = (c, s, a) => Plain(c, s, a, "title", PyText.Title),
        ["capitalize"] = (c, s, a) => Plain(c, s, a, "capitalize", PyText.Capitalize),
        ["swapcase"] = (c, s, a) => Plain(c, s, a, "swapcase", text => string.Concat(PyText.CodePoints(text).Select(one =>
            PyText.Category(one) == UnicodeCategory.UppercaseLetter ? PyText.Lower(one) : PyText.Upper(one)))),
        ["replace"] = Replace,
        ["expandtabs"] = ExpandTabs,
        ["find"] = (c, s, a) => Find(c, s.Text, a, "find", last: false, fails: false),
        ["rfind"] = (c, s, a) => Find(c, s.Text, a, "rfind", last: true, fails: false),
        ["index"] = (c, s, a) => Find(c, s.Text, a, "index", last: false, fails: true),
        ["rindex"] = (c, s, a) => Find(c, s.Text, a, "rindex", last: true, fails: true),
        ["count"] = Count,
        ["join"] = Join,
        ["format"] = (c, s, a) => c.Text(StrFormat.Apply(c, s.Text, a), s.Safe),
        ["removeprefix"] = (c, s, a) => Arguments.Text(a.Bind("removeprefix", 1, "prefix")[0], "") is var part && s.Text.StartsWith(part, StringComparison.Ordinal) ? c.Text(s.Text[part.Length..], s.Safe) : s,
        ["removesuffix"] = (c, s, a) => Arguments.Text(a.Bind("removesuffix", 1, "suffix")[0], "") is var part && s.Text.EndsWith(part, StringComparison.Ordinal) ? c.Text(s.Text[..^part.Length], s.Safe) : s,
        ["partition"] = (c, s, a) => Partition(c, s, a, "partition", (text, part) => text.IndexOf(part, StringComparison.Ordinal), fromEnd: false),
        ["rpartition"] = (c, s, a) => Partition(c, s, a, "rpartition", (text, part) => text.LastIndexOf(part, StringComparison.Ordinal), fromEnd: true),
        ["ljust"] = (c, s, a) => Justify(c, s, a, "ljust", missing => 0),
        ["rjust"] = (c, s, a) => Justify(c, s, a, "rjust", missing => missing),
        ["center"] = (c, s, a) => Justify(c, s, a, "center", null),
        ["zfill"] = ZeroFill,
        ["isspace"] = (c, s, a) => Check(c, s, a, "isspace", text => PyText.IsSpace(text)),
        ["isdigit"] = (c, s, a) => Each(c, s, a, "isdigit", one => PyText.Category(one) == UnicodeCategory.DecimalDigitNumber || CharUnicodeInfo.GetDigitValue(one, 0) >= 0),
        ["isdecimal"] = (c, s, a) => Each(c, s, a, "isdecimal", one => PyText.Category(one) == UnicodeCategory.DecimalDigitNumber),
        ["isnumeric"] = (c, s, a) => Each(c, s, a, "isnumeric", IsNumeric),
        ["isalpha"] = (c, s, a) => Each(c, s, a, "isalpha", IsAlpha),
        ["isalnum"] = (c, s, a) => Each(c, s, a, "isalnum", one => IsAlpha(one) || IsNumeric(one)),
        ["isascii"] = (c, s, a) => Check(c, s, a, "isascii", text => text.All(char.IsAscii)),
        ["isupper"] = (c, s, a) => Check(c, s, a, "isupper", text => PyText.IsCase(text, UnicodeCategory.UppercaseLetter)),
        ["islower"] = (c, s, a) => Check(c, s, a, "islower", text => PyText.IsCase(text, UnicodeCategory.LowercaseLetter)),
    };

    public static Value? Find(RenderContext context, StringValue self, string name) =>
        All.TryGetValue(name, out Method? method) ? new CallableValue(name, arguments => method(context, self, arguments)) : null;

    private static StringValue Strip(RenderContext context, StringValue self, Arguments arguments, string name, bool left, bool right)
    {
        Value? characters = arguments.Bind(name, 0, "chars")[0];
        return Strip(context, self, characters, left, right);
    }

    public static StringValue Strip(RenderContext context, StringValue self, Value? characters, bool left, bool right)
    {
        string? set = characters is null or NoneValue ? null : Arguments.Text(characters, "");
        // The worst case compares every character of the one with every character of the other.
        context.Charge((long)self.Text.Length * (set?.Length ?? 1) / 16);
        return context.Text(PyText.Strip(self.Text, set, left, right), self.Safe);
    }

    private static ListValue Split(RenderContext context, StringValue self, Arguments arguments, string name, Func<string, string?, int, List<string>> split)
    {
        Value?[] bound = arguments.Bind(name, 0, "sep", "maxsplit");
        string? separator = bound[0] is null or NoneValue ? null : Arguments.Text(bound[0], "");
        if (separator?.Length == 0)
            throw Errors.Value("empty separator");
        context.ChargeSearch(self.Text.Length, separator?.Length ?? 1);
        return Strings(context, split(self.Text, separator, Arguments.Int(bound[1], -1)), self.Safe);
    }

    private static ListValue Strings(RenderContext context, List<string> parts, bool safe)
    {
        context.ChargeElements(parts.Count);
        return new ListValue(parts.ConvertAll(Value (part) => new StringValue(part, safe)));
    }

    private static ListValue SplitLines(RenderContext context, StringValue self, Arguments arguments)
    {
        bool keepEnds = arguments.Bind("splitlines", 0, "keepends")[0] is { } keep && Operators.Truth(keep);
        context.ChargeText(self.Text.Length);
        return Strings(context, PyText.SplitLines(self.Text, keepEnds), self.Safe);
    }

    private static bool Affix(RenderContext context, string text, Arguments arguments, string name, Func<string, string, bool> test)
    {
        Value?[] bound = arguments.Bind(name, 1, "prefix", "start", "end");
        if (Cut(context, text, bound[1], bound[2], out _) is not { } within)
            return false;
        Value part = bound[0]!;
        IReadOnlyList<Value> parts = part is ListValue { IsTuple: true } tuple ? tuple.Items : [part];
        return parts.Any(one =>
        {
            string affix = Arguments.Text(one, "");
            context.ChargeText(Math.Min(affix.Length, within.Length));
            return test(within, affix);
        });
    }

    /// <summary><c>text[start:end]</c>, or null where the start lies behind the end of the text: not even nothing is found there.</summary>
    private static string? Cut(RenderContext context, string text, Value? start, Value? end, out int offset)
    {
        offset = 0;
        if (start is null && end is null)
            return text;
        context.ChargeText(text.Length);
        int count = PyText.Length(text);
        int from = Arguments.Int(start, 0), to = Arguments.Int(end, count);
        from = from < 0 ? Math.Max(0, from + count) : from;
        to = to < 0 ? Math.Max(0, to + count) : Math.Min(to, count);
        offset = from;
        if (from > count)
            return null;
        return from >= to ? "" : ((StringValue)Sequences.Slice(context, new StringValue(text), from, to, null)).Text;
    }

    private static StringValue Plain(RenderContext context, StringValue self, Arguments arguments, string name, Func<string, string> change)
    {
        arguments.Bind(name, 0);
        context.ChargeText(self.Text.Length);
        return context.Text(change(self.Text), self.Safe);
    }

    private static StringValue Replace(RenderContext context, StringValue self, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("replace", 2, "old", "new", "count");
        return new StringValue(Replace(context, self.Text, Arguments.Text(bound[0], ""), Arguments.Text(bound[1], ""), Arguments.Int(bound[2], -1)), self.Safe);
    }

    public static string Replace(RenderContext context, string text, string old, string with, int count)
    {
        context.ChargeSearch(text.Length, old.Length);
        if (old.Length == 0)
            return Interleave(context, text, with, count);
        int found = 0;
        for (int at = 0; (count < 0 || found < count) && (at = text.IndexOf(old, at, StringComparison.Ordinal)) >= 0; at += old.Length)
            found++;
        if (found == 0)
            return text;
        // The size is known before anything is made.
        context.ChargeText(text.Length + (long)found * (with.Length - old.Length));
        var result = new System.Text.StringBuilder();
        int from = 0;
        for (; found > 0; found--)
        {
            int at = text.IndexOf(old, from, StringComparison.Ordinal);
            result.Append(text, from, at - from).Append(with);
            from = at + old.Length;
        }

        return result.Append(text, from, text.Length - from).ToString();
    }

    /// <summary>Replacing nothing puts the new text around every character.</summary>
    private static string Interleave(RenderContext context, string text, string with, int count)
    {
        List<string> points = [.. PyText.CodePoints(text)];
        int left = count < 0 ? points.Count + 1 : Math.Min(count, points.Count + 1);
        context.ChargeText(text.Length + (long)left * with.Length);
        var result = new System.Text.StringBuilder();
        foreach (string one in points)
        {
            if (left-- > 0)
                result.Append(with);
            result.Append(one);
        }

        return left > 0 ? result.Append(with).ToString() : result.ToString();
    }

    private static StringValue ExpandTabs(RenderContext context, StringValue self, Arguments arguments)
    {
        int size = Math.Max(0, Arguments.Int(arguments.Bind("expandtabs", 0, "tabsize")[0], 8));
        context.ChargeText(self.Text.Length + (long)self.Text.Count(c => c == '\t') * size);
        var result = new System.Text.StringBuilder();
        int column = 0;
        foreach (string one in PyText.CodePoints(self.Text))
        {
            int blanks = one == "\t" && size > 0 ? size - (column % size) : 0;
            column = one is "\n" or "\r" ? 0 : column + (one == "\t" ? blanks : 1);
            result.Append(one == "\t" ? new string(' ', blanks) : one);
        }

        return context.Text(result.ToString(), self.Safe);
    }

    private static IntValue Find(RenderContext context, string text, Arguments arguments, string name, bool last, bool fails)
    {
        Value?[] bound = arguments.Bind(name, 1, "sub", "start", "end");
        string part = Arguments.Text(bound[0], "");
        context.ChargeSearch(text.Length, part.Length);
        string? within = Cut(context, text, bound[1], bound[2], out int offset);
        int found = (last ? within?.LastIndexOf(part, StringComparison.Ordinal) : within?.IndexOf(part, StringComparison.Ordinal)) ?? -1;
        if (found < 0 && fails)
            throw Errors.Value("substring not found");
        return new IntValue(found < 0 ? -1 : PyText.IndexOf(within!, found) + offset);
    }

    private static IntValue Count(RenderContext context, StringValue self, Arguments arguments)
    {
        Value?[] bound = arguments.Bind("count", 1, "sub", "start", "end");
        string part = Arguments.Text(bound[0], "");
        context.ChargeSearch(self.Text.Length, part.Length);
        string? text = Cut(context, self.Text, bound[1], bound[2], out _);
        if (text is null)
            return new IntValue(0);
        if (part.Length == 0)
            return new IntValue(PyText.Length(text) + 1);
        int count = 0;
        for (int at = 0; (at = text.IndexOf(part, at, StringComparison.Ordinal)) >= 0; at += part.Length)
            count++;
        return new IntValue(count);
    }

    private static StringValue Join(RenderContext context, StringValue self, Arguments arguments)
    {
        Value source = arguments.Bind("join", 1, "iterable")[0]!;
        var parts = new List<string>();
        long length = 0;
        foreach (Value item in Sequences.Iterate(context, source))
        {
            string part = item is StringValue text ? text.Text : throw Errors.Type($"sequence item {parts.Count}: expected str instance, {item.TypeName} found");
            length += part.Length + self.Text.Length;
            context.ChargeText(length > context.Limits.StringChars ? length : part.Length);
            parts.Add(part);
        }

        return context.Text(string.Join(self.Text, parts), self.Safe);
    }

    private static ListValue Partition(RenderContext context, StringValue self, Arguments arguments, string name, Func<string, string, int> find, bool fromEnd)
    {
        string part = Arguments.Text(arguments.Bind(name, 1, "sep")[0], "");
        if (part.Length == 0)
            throw Errors.Value("empty separator");
        context.ChargeSearch(self.Text.Length, part.Length);
        int at = find(self.Text, part);
        string[] parts = at >= 0 ? [self.Text[..at], part, self.Text[(at + part.Length)..]] : fromEnd ? ["", "", self.Text] : [self.Text, "", ""];
        return new ListValue([.. parts.Select(one => new StringValue(one))], isTuple: true);
    }

    private static StringValue Justify(RenderContext context, StringValue self, Arguments arguments, string name, Func<int, int>? left)
    {
        Value?[] bound = arguments.Bind(name, 1, "width", "fillchar");
        string fill = Arguments.Text(bound[1], " ");
        if (fill.Length != 1)
            throw Errors.Type("The fill character must be exactly one character long");
        return Justify(context, self, Arguments.Int(bound[0], 0), fill[0], left);
    }

    /// <summary>Pads to a width; <paramref name="left"/> says how much of it goes before, by default half as <c>str.center</c> rounds it.</summary>
    public static StringValue Justify(RenderContext context, StringValue self, int width, char fill, Func<int, int>? left)
    {
        context.ChargeText(self.Text.Length);
        int missing = width - PyText.Length(self.Text);
        if (missing <= 0)
            return self;
        context.ChargeText((long)self.Text.Length + missing);
        int before = left?.Invoke(missing) ?? missing / 2 + (missing & width & 1);
        return new StringValue(new string(fill, before) + self.Text + new string(fill, missing - before), self.Safe);
    }

    private static StringValue ZeroFill(RenderContext context, StringValue self, Arguments arguments)
    {
        int width = Arguments.Int(arguments.Bind("zfill", 1, "width")[0], 0);
        int sign = self.Text.Length > 0 && self.Text[0] is '+' or '-' ? 1 : 0;
        StringValue digits = Justify(context, new StringValue(self.Text[sign..]), width - sign, '0', missing => missing);
        return new StringValue(self.Text[..sign] + digits.Text, self.Safe);
    }

    private static BoolValue Check(RenderContext context, StringValue self, Arguments arguments, string name, Func<string, bool> test)
    {
        arguments.Bind(name, 0);
        context.ChargeText(self.Text.Length);
        return BoolValue.Of(test(self.Text));
    }

    private static BoolValue Each(RenderContext context, StringValue self, Arguments arguments, string name, Func<string, bool> test) =>
        Check(context, self, arguments, name, text => text.Length > 0 && PyText.CodePoints(text).All(test));

    private static bool IsAlpha(string one) => PyText.Category(one) is UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter
        or UnicodeCategory.TitlecaseLetter or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter;

    private static bool IsNumeric(string one) => CharUnicodeInfo.GetNumericValue(one, 0) >= 0;
}
