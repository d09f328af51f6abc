using System.Globalization;
using System.Text;
using Swarm.Models.Templates.Runtime;

namespace Swarm.Models.Templates.Syntax;

/// <summary>
/// Source to tokens, under the rules that chat templates are written for: trim_blocks (the line end after a block or comment goes),
/// lstrip_blocks (blanks before a block or comment that opens its line go), one final line end of the source goes, and the signs
/// <c>-</c> and <c>+</c> inside a tag override both.
/// </summary>
internal sealed class TemplateLexer
{
    private static readonly string[] TwoCharOperators = ["//", "**", "==", "!=", ">=", "<="];

    /// <summary>Names are compared at every lookup.</summary>
    private const int MaxNameChars = 1000;

    private readonly List<Token> _tokens = [];
    private readonly Stack<char> _open = new();
    private readonly string _source;
    private int _position;
    private int _line = 1;

    /// <summary>Whether the text before <see cref="_position"/> ended a line, or is the start of the source.</summary>
    private bool _lineStart = true;

    private TemplateLexer(string source) => _source = source;

    public static List<Token> Tokenize(string source)
    {
        source = source.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        if (source.EndsWith('\n'))
            source = source[..^1];
        var lexer = new TemplateLexer(source);
        lexer.Run();
        return lexer._tokens;
    }

    private void Run()
    {
        while (_position < _source.Length)
        {
            int tag = FindTag();
            if (tag < 0)
            {
                Add(TokenKind.Data, _source[_position..]);
                break;
            }

            char type = _source[tag + 1];
            char sign = tag + 2 < _source.Length && _source[tag + 2] is '-' or '+' ? _source[tag + 2] : '\0';
            AddData(_position, tag, sign, lineStrip: type != '{');
            _line += Lines(_position, tag);
            int inside = tag + (sign == '\0' ? 2 : 3);
            if (type == '#')
                SkipComment(inside);
            else if (type == '%' && TryRawBegin(inside, out int body))
                Raw(body);
            else
                Tag(inside, isBlock: type == '%');
        }

        _tokens.Add(new Token(TokenKind.End, "", _line));
    }

    private int FindTag()
    {
        for (int at = _position; at + 1 < _source.Length; at++)
        {
            at = _source.IndexOf('{', at);
            if (at < 0 || at + 1 >= _source.Length)
                return -1;
            if (_source[at + 1] is '{' or '%' or '#')
                return at;
        }

        return -1;
    }

    private void AddData(int start, int end, char sign, bool lineStrip)
    {
        ReadOnlySpan<char> text = _source.AsSpan(start, end - start);
        if (sign == '-')
        {
            text = PyText.TrimEnd(text);
        }
        else if (sign != '+' && lineStrip)
        {
            int line = text.LastIndexOf('\n') + 1;
            if ((line > 0 || _lineStart) && PyText.IsSpace(text[line..]))
                text = text[..line];
        }

        if (text.Length > 0)
            Add(TokenKind.Data, text.ToString());
    }

    private void SkipComment(int start)
    {
        int end = _source.IndexOf("#}", start, StringComparison.Ordinal);
        if (end < 0)
            throw TemplateSyntax.Error(_line, "missing end of comment tag");
        // The sign belongs to the end only where the comment has begun before it.
        char sign = end > start ? _source[end - 1] : '\0';
        _line += Lines(start, end);
        Leave(AfterTag(end + 2, sign, trimsLine: true));
    }

    private bool TryRawBegin(int start, out int body)
    {
        body = 0;
        int at = SkipSpace(start);
        if (!_source.AsSpan(at).StartsWith("raw"))
            return false;
        at = SkipSpace(at + 3);
        bool strip = at < _source.Length && _source[at] == '-';
        if (strip)
            at++;
        if (!_source.AsSpan(at).StartsWith("%}"))
            return false;
        body = strip ? SkipSpace(at + 2) : at + 2;
        return true;
    }

    private void Raw(int body)
    {
        _line += Lines(_position, body);
        _lineStart = _source[body - 1] == '\n';
        for (int at = body; ; at += 2)
        {
            at = _source.IndexOf("{%", at, StringComparison.Ordinal);
            if (at < 0)
                throw TemplateSyntax.Error(_line, "missing end of raw directive");
            char sign = at + 2 < _source.Length && _source[at + 2] is '-' or '+' ? _source[at + 2] : '\0';
            int name = SkipSpace(at + (sign == '\0' ? 2 : 3));
            if (!_source.AsSpan(name).StartsWith("endraw"))
                continue;
            int end = SkipSpace(name + 6);
            char endSign = end < _source.Length && _source[end] is '-' or '+' ? _source[end] : '\0';
            if (endSign != '\0')
                end++;
            if (!_source.AsSpan(end).StartsWith("%}"))
                continue;
            AddData(body, at, sign, lineStrip: true);
            _line += Lines(body, at);
            Leave(AfterTag(end + 2, endSign, trimsLine: true));
            return;
        }
    }

    private void Tag(int start, bool isBlock)
    {
        Add(isBlock ? TokenKind.BlockBegin : TokenKind.VariableBegin, "");
        string end = isBlock ? "%}" : "}}";
        _position = start;
        _open.Clear();
        while (true)
        {
            if (_position >= _source.Length)
                throw TemplateSyntax.Error(_line, "unexpected end of template inside a tag");
            char c = _source[_position];
            // Inside brackets "}}" closes two mappings, not the tag.
            if (_open.Count == 0)
            {
                bool signed = c == '-' || (c == '+' && isBlock);
                int at = signed ? _position + 1 : _position;
                if (_source.AsSpan(at).StartsWith(end))
                {
                    Add(isBlock ? TokenKind.BlockEnd : TokenKind.VariableEnd, "");
                    Leave(AfterTag(at + 2, signed ? c : '\0', trimsLine: isBlock));
                    return;
                }
            }

            if (PyText.IsSpace(c))
            {
                if (c == '\n')
                    _line++;
                _position++;
            }
            else if (char.IsAsciiDigit(c))
            {
                Number();
            }
            else if (c is '\'' or '"')
            {
                String(c);
            }
            else if (IsNameChar(_position, out _))
            {
                Name();
            }
            else
            {
                Operator(c);
            }
        }
    }

    private int AfterTag(int at, char sign, bool trimsLine)
    {
        if (sign == '-')
            return SkipSpace(at);
        return trimsLine && sign != '+' && at < _source.Length && _source[at] == '\n' ? at + 1 : at;
    }

    /// <summary>Goes on behind a tag whose end was followed by white space up to <paramref name="next"/>.</summary>
    private void Leave(int next)
    {
        for (int at = next - 1; at >= 0 && PyText.IsSpace(_source[at]); at--)
        {
            if (_source[at] == '\n')
                _line++;
        }

        _lineStart = _source[next - 1] == '\n';
        _position = next;
    }

    private void Number()
    {
        int end = Digits(_position);
        bool isFloat = false;
        if (_position == 0 || _source[_position - 1] != '.')
        {
            int fraction = end + 1 < _source.Length && _source[end] == '.' ? Digits(end + 1) : 0;
            int mantissa = fraction > end + 1 ? fraction : end;
            int exponent = mantissa;
            if (exponent < _source.Length && _source[exponent] is 'e' or 'E')
            {
                exponent++;
                if (exponent < _source.Length && _source[exponent] is '+' or '-')
                    exponent++;
                int digits = Digits(exponent);
                exponent = digits > exponent ? digits : mantissa;
            }

            isFloat = exponent > end;
            end = isFloat ? exponent : end;
        }

        if (!isFloat)
            end = IntegerEnd(end);
        Add(isFloat ? TokenKind.Float : TokenKind.Integer, _source[_position..end].Replace("_", "", StringComparison.Ordinal));
        _position = end;
    }

    private int IntegerEnd(int decimalEnd)
    {
        if (_source[_position] != '0')
            return decimalEnd;
        if (_position + 1 < _source.Length)
        {
            Func<char, bool>? digit = _source[_position + 1] switch
            {
                'x' or 'X' => char.IsAsciiHexDigit,
                'o' or 'O' => c => c is >= '0' and <= '7',
                'b' or 'B' => c => c is '0' or '1',
                _ => null,
            };
            if (digit is not null && Digits(_position + 2, digit, leadingUnderscore: true) is int end && end > _position + 2)
                return end;
        }

        // A number that starts with 0 is only zeros: 007 is 00, then 7.
        return Digits(_position, c => c == '0', leadingUnderscore: false);
    }

    private int Digits(int start) => Digits(start, char.IsAsciiDigit, leadingUnderscore: false);

    private int Digits(int start, Func<char, bool> isDigit, bool leadingUnderscore)
    {
        int at = start;
        while (at < _source.Length)
        {
            bool underscore = _source[at] == '_' && (at > start || leadingUnderscore);
            int digit = underscore ? at + 1 : at;
            if (digit >= _source.Length || !isDigit(_source[digit]))
                break;
            at = digit + 1;
        }

        return at;
    }

    private void Name()
    {
        int end = _position;
        while (end < _source.Length && IsNameChar(end, out int length))
            end += length;
        if (end - _position > MaxNameChars)
            throw TemplateSyntax.Error(_line, $"a name of {end - _position} characters, at most {MaxNameChars}");
        Add(TokenKind.Name, _source[_position..end]);
        _position = end;
    }

    private bool IsNameChar(int at, out int length)
    {
        char c = _source[at];
        length = 1;
        if (char.IsAscii(c))
            return char.IsAsciiLetterOrDigit(c) || c == '_';
        if (!Rune.TryGetRuneAt(_source, at, out Rune rune))
            return false;
        length = rune.Utf16SequenceLength;
        return Rune.GetUnicodeCategory(rune) is UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
            or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter or UnicodeCategory.LetterNumber;
    }

    private void String(char quote)
    {
        int end = _position + 1;
        while (end < _source.Length && _source[end] != quote)
            end += _source[end] == '\\' ? 2 : 1;
        if (end >= _source.Length)
            throw TemplateSyntax.Error(_line, $"unexpected char {quote} at {_position}: the string is not closed");
        Add(TokenKind.String, TemplateSyntax.Unescape(_source.AsSpan(_position + 1, end - _position - 1), _line));
        _line += Lines(_position, end);
        _position = end + 1;
    }

    private void Operator(char c)
    {
        string? text = _position + 1 < _source.Length ? Array.Find(TwoCharOperators, two => two[0] == c && two[1] == _source[_position + 1]) : null;
        if (text is null && "+-/*%~[](){}><=.:|,;".Contains(c, StringComparison.Ordinal))
            text = c.ToString();
        if (text is null)
            throw TemplateSyntax.Error(_line, $"unexpected char '{c}' at {_position}");
        if (c is '(' or '[' or '{')
            _open.Push(c == '(' ? ')' : c == '[' ? ']' : '}');
        else if (c is ')' or ']' or '}' && (!_open.TryPop(out char expected) || expected != c))
            throw TemplateSyntax.Error(_line, $"unexpected '{c}'");
        Add(TokenKind.Operator, text);
        _position += text.Length;
    }

    private int SkipSpace(int at)
    {
        while (at < _source.Length && PyText.IsSpace(_source[at]))
            at++;
        return at;
    }

    private int Lines(int start, int end) => end > start ? _source.AsSpan(start, end - start).Count('\n') : 0;

    private void Add(TokenKind kind, string text) => _tokens.Add(new Token(kind, text, _line));
}
