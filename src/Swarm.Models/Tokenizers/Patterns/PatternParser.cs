using System.Globalization;
using System.Text;

namespace Swarm.Models.Tokenizers.Patterns;

/// <summary>
/// Reads the regular expressions of tokenizer files: Oniguruma with Ruby's syntax, as the reference library has it. Constructs that it lacks
/// (back references, capture by name, recursion, most scripts) are refused by name.
/// </summary>
internal sealed class PatternParser
{
    private static readonly Dictionary<string, uint> Categories = MakeCategories();

    private readonly string _pattern;
    private int _at;
    private int _nesting;
    private bool _fold;
    private bool _dotAll;

    private PatternParser(string pattern) => _pattern = pattern;

    public static PatternNode Parse(string pattern)
    {
        TokenizerLimits.Check("pattern length in characters", pattern.Length, TokenizerLimits.PatternChars);
        var parser = new PatternParser(pattern);
        PatternNode node = parser.ParseChoice();
        return parser._at == pattern.Length ? node : throw parser.Unsupported("an unmatched ')'");
    }

    /// <summary>A pattern that matches <paramref name="text"/> itself.</summary>
    public static PatternNode Literal(string text) =>
        new PatternNode.Sequence([.. text.EnumerateRunes().Select(r => new PatternNode.One(CodePointSet.Of(r.Value)))]);

    private ModelException Unsupported(string construct) =>
        new(ModelError.UnsupportedModel, $"Tokenizer pattern has {construct} at character {_at}: {(_pattern.Length > 200 ? _pattern[..200] + "…" : _pattern)}");

    private bool More => _at < _pattern.Length;

    private bool TryTake(string text)
    {
        if (string.CompareOrdinal(_pattern, _at, text, 0, text.Length) != 0)
            return false;
        _at += text.Length;
        return true;
    }

    private int TakeCodePoint()
    {
        if (!More)
            throw Unsupported("an end where a character is expected");
        Rune.DecodeFromUtf16(_pattern.AsSpan(_at), out Rune rune, out int length);
        _at += length;
        return rune.Value;
    }

    private PatternNode ParseChoice()
    {
        if (++_nesting > TokenizerLimits.PatternNesting)
            throw Unsupported($"more than {TokenizerLimits.PatternNesting} nested groups");
        var options = new List<PatternNode> { ParseSequence() };
        while (TryTake("|"))
            options.Add(ParseSequence());
        _nesting--;
        return options.Count == 1 ? options[0] : new PatternNode.Choice(options);
    }

    private PatternNode ParseSequence()
    {
        var items = new List<PatternNode>();
        while (More && _pattern[_at] is not ('|' or ')'))
            if (ParseItem() is { } item)
                items.Add(ParseQuantifiers(item));
        return items.Count == 1 ? items[0] : new PatternNode.Sequence(items);
    }

    /// <summary>One item, or null for what matches nothing by itself (a change of options).</summary>
    private PatternNode? ParseItem()
    {
        if (TryTake("("))
            return ParseGroup();
        if (TryTake("["))
            return new PatternNode.One(ParseClass());
        if (TryTake("."))
            return new PatternNode.One(_dotAll ? CodePointSet.Any : CodePointSet.NotLineFeed);
        if (TryTake("^"))
            return new PatternNode.At(PatternPlace.LineStart);
        if (TryTake("$"))
            return new PatternNode.At(PatternPlace.LineEnd);
        if (_pattern[_at] is '*' or '+' or '?')
            throw Unsupported("a quantifier with nothing before it");
        if (TryTake("\\"))
            return ParseEscape();
        return new PatternNode.One(CodePointSet.Of(TakeCodePoint(), _fold));
    }

    private PatternNode? ParseGroup()
    {
        bool oldFold = _fold, oldDotAll = _dotAll;
        PatternNode? node;
        if (!TryTake("?"))
            node = ParseChoice();
        else if (TryTake(":"))
            node = ParseChoice();
        else if (TryTake("="))
            node = new PatternNode.Look(ParseChoice(), Behind: false, Negated: false);
        else if (TryTake("!"))
            node = new PatternNode.Look(ParseChoice(), Behind: false, Negated: true);
        else if (TryTake("<="))
            node = ParseLookBehind(negated: false);
        else if (TryTake("<!"))
            node = ParseLookBehind(negated: true);
        else if (TryTake(">"))
            node = new PatternNode.Atomic(ParseChoice());
        else if (TakeOptions())
            return ParseOptionTail(oldFold, oldDotAll);
        else
            throw Unsupported("an unknown kind of group '(?'");
        if (!TryTake(")"))
            throw Unsupported("a group without ')'");
        (_fold, _dotAll) = (oldFold, oldDotAll);
        return node;
    }

    private PatternNode.Look ParseLookBehind(bool negated)
    {
        PatternNode body = ParseChoice();
        return body.FixedLength() >= 0 ? new PatternNode.Look(body, Behind: true, negated) : throw Unsupported("a look-behind of varying length");
    }

    private bool TakeOptions()
    {
        int start = _at;
        bool on = true;
        for (; More; _at++)
        {
            switch (_pattern[_at])
            {
                case 'i': _fold = on; break;
                case 'm': _dotAll = on; break;
                case '-': on = false; break;
                case ':' or ')': return _at > start;
                default: return false;
            }
        }

        return false;
    }

    private PatternNode? ParseOptionTail(bool oldFold, bool oldDotAll)
    {
        if (TryTake(")"))
        {
            // Options without a body hold to the end of the enclosing group, alternatives included.
            return More && _pattern[_at] != ')' ? ParseChoice() : null;
        }

        _at++;
        PatternNode body = ParseChoice();
        if (!TryTake(")"))
            throw Unsupported("a group without ')'");
        (_fold, _dotAll) = (oldFold, oldDotAll);
        return body;
    }

    private PatternNode ParseQuantifiers(PatternNode item)
    {
        for (int count = 0; More; count++)
        {
            int start = _at;
            (int Min, int Max) bounds;
            bool interval = false;
            if (TryTake("*"))
                bounds = (0, -1);
            else if (TryTake("+"))
                bounds = (1, -1);
            else if (TryTake("?"))
                bounds = (0, 1);
            else if (TryTakeInterval(out bounds))
                interval = true;
            else
                break;
            if (count == 4)
                throw Unsupported("more than 4 quantifiers in a row");
            RepeatMode mode = TryTake("?") ? RepeatMode.Lazy
                // After an interval Ruby's + is one more quantifier, not a possessive one.
                : !interval && TryTake("+") ? RepeatMode.Possessive
                : RepeatMode.Greedy;
            if (bounds.Max < 0 && item.CanBeEmpty())
            {
                _at = start;
                throw Unsupported("an unbounded repetition of what may be empty");
            }

            item = new PatternNode.Repeat(item, bounds.Min, bounds.Max, mode);
        }

        return item;
    }

    private bool TryTakeInterval(out (int Min, int Max) bounds)
    {
        bounds = default;
        int close = More && _pattern[_at] == '{' ? _pattern.IndexOf('}', _at) : -1;
        if (close < 0)
            return false;
        string inside = _pattern[(_at + 1)..close];
        int comma = inside.IndexOf(',');
        string low = comma < 0 ? inside : inside[..comma], high = comma < 0 ? inside : inside[(comma + 1)..];
        if (inside is "" or "," || !TryNumber(low, 0, out int min) || !TryNumber(high, -1, out int max))
            return false;
        if (max >= 0 && min > max)
            throw Unsupported($"an interval {{{inside}}} with its ends the wrong way round");
        _at = close + 1;
        bounds = (min, max);
        return true;

        bool TryNumber(string digits, int absent, out int value)
        {
            value = absent;
            if (digits.Length == 0)
                return true;
            if (!int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out value))
                return false;
            return value <= 1000 ? true : throw Unsupported($"a repetition of {value}; the limit is 1000");
        }
    }

    private PatternNode ParseEscape()
    {
        switch (More ? _pattern[_at] : '\0')
        {
            case 'A': _at++; return new PatternNode.At(PatternPlace.TextStart);
            case 'z': _at++; return new PatternNode.At(PatternPlace.TextEnd);
            case 'Z': _at++; return new PatternNode.At(PatternPlace.TextEndOrLastLineFeed);
            case 'b': _at++; return new PatternNode.At(PatternPlace.WordBoundary);
            case 'B': _at++; return new PatternNode.At(PatternPlace.NotWordBoundary);
            default: return new PatternNode.One(TryParseSetEscape() ?? CodePointSet.Of(ParseCharEscape(), _fold));
        }
    }

    /// <summary>A set such as <c>\s</c> or <c>\p{L}</c>, after its backslash; null where a single character follows.</summary>
    private CodePointSet? TryParseSetEscape()
    {
        if (!More)
            throw Unsupported("a backslash at its end");
        char c = _pattern[_at];
        CodePointSet? set = char.ToLowerInvariant(c) switch
        {
            's' => CodePointSet.Space,
            'd' => CodePointSet.Digit,
            'w' => CodePointSet.Word,
            'h' => CodePointSet.OfRanges([('0', '9'), ('A', 'F'), ('a', 'f')]),
            'p' => ParseProperty(),
            _ => null,
        };
        if (set is null)
            return null;
        if (c is not ('p' or 'P'))
            _at++;
        return char.IsAsciiLetterUpper(c) ? CodePointSet.Not(set) : set;
    }

    private CodePointSet ParseProperty()
    {
        _at++;
        string name;
        bool negated = false;
        if (TryTake("{"))
        {
            negated = TryTake("^");
            int close = _pattern.IndexOf('}', _at);
            if (close < 0)
                throw Unsupported("a property without '}'");
            name = _pattern[_at..close];
            _at = close + 1;
        }
        else
        {
            name = More ? _pattern[_at++].ToString() : "";
        }

        string key = name.Replace("_", "").Replace(" ", "").Replace("-", "").ToLowerInvariant();
        CodePointSet set = key switch
        {
            "any" => CodePointSet.Any,
            "han" or "script=han" => CodePointSet.Han,
            "space" or "whitespace" => CodePointSet.Space,
            "word" => CodePointSet.Word,
            _ when Categories.TryGetValue(key, out uint mask) => CodePointSet.OfCategories(mask),
            _ => throw Unsupported($"the property '{name}'"),
        };
        return negated ? CodePointSet.Not(set) : set;
    }

    private int ParseCharEscape()
    {
        char c = _pattern[_at];
        if (char.IsAsciiLetterOrDigit(c))
            _at++;
        switch (c)
        {
            case 'n': return '\n';
            case 'r': return '\r';
            case 't': return '\t';
            case 'f': return '\f';
            case 'v': return '\v';
            case 'a': return '\a';
            case 'e': return 0x1B;
            case '0': return 0;
            case 'u': return ParseHex(4);
            case 'x' when TryTake("{"):
                int close = _pattern.IndexOf('}', _at);
                if (close < 0)
                    throw Unsupported("a '\\x{' without '}'");
                int value = ParseHex(close - _at);
                _at++;
                return value;
            case 'x': return ParseHex(2);
        }

        return char.IsAsciiLetterOrDigit(c) ? throw Unsupported($"the escape '\\{c}'") : TakeCodePoint();
    }

    private int ParseHex(int digits)
    {
        if (digits is < 1 or > 6 || _at + digits > _pattern.Length
            || !int.TryParse(_pattern.AsSpan(_at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int value) || value > 0x10FFFF)
            throw Unsupported("a bad hexadecimal escape");
        _at += digits;
        return value;
    }

    private CodePointSet ParseClass()
    {
        if (++_nesting > TokenizerLimits.PatternNesting)
            throw Unsupported($"more than {TokenizerLimits.PatternNesting} nested classes");
        bool negated = TryTake("^");
        var parts = new List<CodePointSet>();
        var ranges = new List<(int, int)>();
        var members = new List<CodePointSet>();
        bool first = true;
        while (!TryTake("]") || first)
        {
            if (first && _at > 0 && _pattern[_at - 1] == ']' && members.Count + ranges.Count == 0)
            {
                // "[]" as the first thing is a literal bracket.
                if (!More)
                    throw Unsupported("a class without ']'");
                ranges.Add((']', ']'));
                first = false;
                continue;
            }

            first = false;
            if (!More)
                throw Unsupported("a class without ']'");
            if (TryTake("&&"))
            {
                parts.Add(new CodePointSet(ranges, 0, members, fold: _fold));
                ranges = [];
                members = [];
            }
            else if (TryTake("[:"))
            {
                members.Add(ParsePosix());
            }
            else if (TryTake("["))
            {
                members.Add(ParseClass());
            }
            else
            {
                ParseClassRange(ranges, members);
            }
        }

        _nesting--;
        CodePointSet set = new(ranges, 0, members, fold: _fold);
        foreach (CodePointSet part in parts)
            set = new CodePointSet([], 0, [set], intersection: part);
        return negated ? CodePointSet.Not(set) : set;
    }

    private void ParseClassRange(List<(int, int)> ranges, List<CodePointSet> members)
    {
        if (TryParseClassAtom(out int low) is { } set)
        {
            members.Add(set);
            return;
        }

        if (_at + 1 < _pattern.Length && _pattern[_at] == '-' && _pattern[_at + 1] != ']')
        {
            _at++;
            if (TryParseClassAtom(out int high) is { } after)
            {
                ranges.Add((low, low));
                ranges.Add(('-', '-'));
                members.Add(after);
                return;
            }

            if (high < low)
                throw Unsupported($"a range whose end U+{high:X4} is below its start U+{low:X4}");
            ranges.Add((low, high));
            return;
        }

        ranges.Add((low, low));
    }

    private CodePointSet? TryParseClassAtom(out int codePoint)
    {
        codePoint = 0;
        if (!TryTake("\\"))
        {
            codePoint = TakeCodePoint();
            return null;
        }

        if (TryParseSetEscape() is { } set)
            return set;
        codePoint = TryTake("b") ? '\b' : ParseCharEscape();
        return null;
    }

    private CodePointSet ParsePosix()
    {
        bool negated = TryTake("^");
        int close = _pattern.IndexOf(":]", _at, StringComparison.Ordinal);
        if (close < 0)
            throw Unsupported("a '[:' without ':]'");
        string name = _pattern[_at..close];
        _at = close + 2;
        CodePointSet set = name switch
        {
            "alpha" => CodePointSet.OfCategories(CodePointSet.LetterMask | CodePointSet.MarkMask | CodePointSet.Mask(UnicodeCategory.LetterNumber)),
            "digit" => CodePointSet.Digit,
            "space" => CodePointSet.Space,
            "punct" => CodePointSet.Punctuation,
            "upper" => CodePointSet.OfCategories(CodePointSet.Mask(UnicodeCategory.UppercaseLetter)),
            "lower" => CodePointSet.OfCategories(CodePointSet.Mask(UnicodeCategory.LowercaseLetter)),
            "word" => CodePointSet.Word,
            _ => throw Unsupported($"the class '[:{name}:]'"),
        };
        return negated ? CodePointSet.Not(set) : set;
    }

    private static Dictionary<string, uint> MakeCategories()
    {
        (string Short, string Long, UnicodeCategory Category)[] all =
        [
            ("lu", "uppercaseletter", UnicodeCategory.UppercaseLetter), ("ll", "lowercaseletter", UnicodeCategory.LowercaseLetter),
            ("lt", "titlecaseletter", UnicodeCategory.TitlecaseLetter), ("lm", "modifierletter", UnicodeCategory.ModifierLetter),
            ("lo", "otherletter", UnicodeCategory.OtherLetter), ("mn", "nonspacingmark", UnicodeCategory.NonSpacingMark),
            ("mc", "spacingmark", UnicodeCategory.SpacingCombiningMark), ("me", "enclosingmark", UnicodeCategory.EnclosingMark),
            ("nd", "decimalnumber", UnicodeCategory.DecimalDigitNumber), ("nl", "letternumber", UnicodeCategory.LetterNumber),
            ("no", "othernumber", UnicodeCategory.OtherNumber), ("pc", "connectorpunctuation", UnicodeCategory.ConnectorPunctuation),
            ("pd", "dashpunctuation", UnicodeCategory.DashPunctuation), ("ps", "openpunctuation", UnicodeCategory.OpenPunctuation),
            ("pe", "closepunctuation", UnicodeCategory.ClosePunctuation), ("pi", "initialpunctuation", UnicodeCategory.InitialQuotePunctuation),
            ("pf", "finalpunctuation", UnicodeCategory.FinalQuotePunctuation), ("po", "otherpunctuation", UnicodeCategory.OtherPunctuation),
            ("sm", "mathsymbol", UnicodeCategory.MathSymbol), ("sc", "currencysymbol", UnicodeCategory.CurrencySymbol),
            ("sk", "modifiersymbol", UnicodeCategory.ModifierSymbol), ("so", "othersymbol", UnicodeCategory.OtherSymbol),
            ("zs", "spaceseparator", UnicodeCategory.SpaceSeparator), ("zl", "lineseparator", UnicodeCategory.LineSeparator),
            ("zp", "paragraphseparator", UnicodeCategory.ParagraphSeparator), ("cc", "control", UnicodeCategory.Control),
            ("cf", "format", UnicodeCategory.Format), ("cs", "surrogate", UnicodeCategory.Surrogate), ("co", "privateuse", UnicodeCategory.PrivateUse),
            ("cn", "unassigned", UnicodeCategory.OtherNotAssigned),
        ];
        var map = new Dictionary<string, uint>();
        foreach ((string brief, string full, UnicodeCategory category) in all)
        {
            uint bit = CodePointSet.Mask(category);
            map[brief] = map[full] = bit;
            string group = brief[..1];
            map[group] = map.GetValueOrDefault(group) | bit;
        }

        (map["letter"], map["mark"], map["number"], map["punctuation"], map["symbol"], map["separator"], map["other"]) =
            (map["l"], map["m"], map["n"], map["p"], map["s"], map["z"], map["c"]);
        return map;
    }
}
