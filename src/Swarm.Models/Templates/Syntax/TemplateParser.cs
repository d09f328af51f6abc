using System.Globalization;
using System.Numerics;
using Swarm.Models.Templates.Values;

namespace Swarm.Models.Templates.Syntax;

/// <summary>
/// Tokens to tree, by recursive descent with Jinja's ranks of operators: <c>if else</c>, <c>or</c>, <c>and</c>, <c>not</c>, comparisons,
/// <c>+ -</c>, <c>~</c>, <c>* / // %</c>, <c>**</c>, signs, then postfix, filters and tests.
/// </summary>
internal sealed class TemplateParser
{
    /// <summary>Tags of Jinja that need other templates or an extension.</summary>
    private static readonly string[] RefusedTags = ["block", "extends", "include", "import", "from", "autoescape", "trans", "do", "debug"];

    /// <summary>Most parameters of a macro, and most named arguments of a call.</summary>
    public const int MaxNames = 255;

    private readonly List<Token> _tokens;
    private readonly TemplateLimits _limits;
    private readonly List<MacroNames> _macros = [];

    /// <summary>Filters and tests that do not exist, at places where that is an error before anything runs.</summary>
    private readonly List<(int Line, string Message)> _unknown = [];

    /// <summary>Directly inside an <c>if</c>, a filter that does not exist is an error only when it is reached.</summary>
    private bool _soft;
    private int _loops;
    private int _depth;
    private int _at;

    private TemplateParser(List<Token> tokens, TemplateLimits limits)
    {
        _tokens = tokens;
        _limits = limits;
    }

    private Token Current => _tokens[_at];

    public static IReadOnlyList<Statement> Parse(string source, TemplateLimits limits)
    {
        if (source.Length > limits.SourceChars)
            throw new ModelException(ModelError.CorruptModel, $"chat template has {source.Length} characters, at most {limits.SourceChars}");
        var parser = new TemplateParser(TemplateLexer.Tokenize(source), limits);
        List<Statement> body = parser.Statements();
        if (parser._unknown.Count > 0)
            throw TemplateSyntax.Unsupported(parser._unknown[0].Line, parser._unknown[0].Message);
        return body;
    }

    // Statements

    /// <summary>Statements up to a tag named in <paramref name="ends"/>, which is left as the current token; without ends, up to the end.</summary>
    private List<Statement> Statements(params ReadOnlySpan<string> ends)
    {
        var body = new List<Statement>();
        while (true)
        {
            Token token = Next();
            switch (token.Kind)
            {
                case TokenKind.Data:
                    body.Add(new DataStatement(token.Text));
                    break;
                case TokenKind.VariableBegin:
                    body.Add(new OutputStatement(TupleOrExpression(conditional: true)));
                    Expect(TokenKind.VariableEnd);
                    break;
                case TokenKind.BlockBegin:
                    if (Current.Kind == TokenKind.Name && ends.Contains(Current.Text))
                        return body;
                    if (Block() is { } statement)
                        body.Add(statement);
                    Expect(TokenKind.BlockEnd);
                    break;
                case TokenKind.End when ends.Length == 0:
                    return body;
                case TokenKind.End:
                    throw TemplateSyntax.Error(token.Line, $"unexpected end of template, expected {string.Join(" or ", ends.ToArray())}");
                default:
                    throw TemplateSyntax.Error(token.Line, $"unexpected {token}");
            }
        }
    }

    /// <summary>The body of a tag: its end of block, then statements; the closing tag's name is left as the current token.</summary>
    private List<Statement> Body(params ReadOnlySpan<string> ends)
    {
        SkipOperator(":");
        Expect(TokenKind.BlockEnd);
        return Statements(ends);
    }

    /// <summary>A body that one tag closes and that has a frame of its own.</summary>
    private List<Statement> FramedBody(string end, bool keepsLoop = false)
    {
        (bool soft, int loops) = (_soft, _loops);
        _soft = false;
        _loops = keepsLoop ? loops : 0;
        List<Statement> body = Body(end);
        _at++;
        (_soft, _loops) = (soft, loops);
        return body;
    }

    private Statement? Block()
    {
        Token token = Current;
        if (token.Kind != TokenKind.Name)
            throw TemplateSyntax.Error(token.Line, $"tag name expected, got {token}");
        Enter(token);
        _at++;
        Statement? statement = token.Text switch
        {
            "if" => If(),
            "for" => For(),
            "set" => Set(),
            "macro" => Macro(),
            "call" => CallBlock(token),
            "filter" => FilterBlock(),
            "with" => With(),
            "print" => Print(),
            "generation" => new ScopeStatement(FramedBody("endgeneration")),
            "break" => LoopControl(token, new BreakStatement()),
            "continue" => LoopControl(token, new ContinueStatement()),
            _ when RefusedTags.Contains(token.Text) => throw TemplateSyntax.Unsupported(token.Line, $"the tag '{token.Text}' is not supported"),
            "else" or "elif" => throw TemplateSyntax.Error(token.Line, $"'{token.Text}' outside of an if or for"),
            _ when token.Text.StartsWith("end", StringComparison.Ordinal) => throw TemplateSyntax.Error(token.Line, $"'{token.Text}' closes nothing that is open here"),
            _ => throw TemplateSyntax.Unsupported(token.Line, $"unknown tag '{token.Text}'"),
        };
        _depth--;
        return statement;
    }

    private IfStatement If()
    {
        bool soft = _soft;
        _soft = true;
        var branches = new List<(Expression, IReadOnlyList<Statement>)>();
        IReadOnlyList<Statement> otherwise = [];
        while (true)
        {
            Expression test = TupleOrExpression(conditional: false);
            branches.Add((test, Body("elif", "else", "endif")));
            string tag = Next().Text;
            if (tag == "elif")
                continue;
            if (tag == "else")
            {
                otherwise = Body("endif");
                _at++;
            }

            _soft = soft;
            return new IfStatement(branches, otherwise);
        }
    }

    private ForStatement For()
    {
        Target target = AssignmentTarget(allowNamespace: false, endsAtIn: true);
        ExpectName("in");
        Expression source = TupleOrExpression(conditional: false, end: "recursive");
        bool soft = _soft;
        _soft = false;
        Expression? test = SkipName("if") ? Expression() : null;
        bool recursive = SkipName("recursive");
        _loops++;
        List<Statement> body = Body("endfor", "else");
        _loops--;
        List<Statement> otherwise = [];
        if (Next().Text == "else")
        {
            otherwise = Body("endfor");
            _at++;
        }

        _soft = soft;
        return new ForStatement(target, source, test, body, otherwise, recursive);
    }

    private Statement LoopControl(Token token, Statement statement) =>
        _loops > 0 ? statement : throw TemplateSyntax.Error(token.Line, $"'{token.Text}' outside of a loop");

    private Statement Set()
    {
        Target target = AssignmentTarget(allowNamespace: true, endsAtIn: false);
        if (SkipOperator("="))
            return new SetStatement(target, TupleOrExpression(conditional: true));
        FilterExpression? filter = Filters(null) as FilterExpression;
        return new SetBlockStatement(target, filter, FramedBody("endset", keepsLoop: true));
    }

    private MacroStatement Macro()
    {
        string name = PlainName();
        Enter(Current);
        var names = new MacroNames();
        _macros.Add(names);
        (List<string> parameters, List<Expression> defaults) = Signature();
        MacroDefinition macro = CloseMacro(names, name, parameters, defaults, FramedBody("endmacro"));
        _depth--;
        return new MacroStatement(macro);
    }

    private MacroDefinition CloseMacro(MacroNames names, string? name, List<string> parameters, List<Expression> defaults, List<Statement> body)
    {
        _macros.Remove(names);
        return new MacroDefinition(
            name, parameters, defaults, body,
            TakesVarArgs: names.VarArgs && !parameters.Contains("varargs"),
            TakesNamed: names.Named && !parameters.Contains("kwargs"),
            TakesCaller: names.Caller && !parameters.Contains("caller"));
    }

    private (List<string> Parameters, List<Expression> Defaults) Signature()
    {
        var parameters = new List<string>();
        var defaults = new List<Expression>();
        ExpectOperator("(");
        while (!Current.IsOperator(")"))
        {
            if (parameters.Count > 0)
                ExpectOperator(",");
            Token token = Current;
            string name = PlainName();
            if (parameters.Count == MaxNames || parameters.Contains(name))
                throw TemplateSyntax.Error(token.Line, $"parameter '{name}' is a duplicate, or one more than {MaxNames}");
            parameters.Add(name);
            if (SkipOperator("="))
                defaults.Add(Expression());
            else if (defaults.Count > 0)
                throw TemplateSyntax.Error(token.Line, "non-default argument follows default argument");
        }

        _at++;
        return (parameters, defaults);
    }

    private CallBlockStatement CallBlock(Token token)
    {
        var names = new MacroNames();
        (List<string> parameters, List<Expression> defaults) = Current.IsOperator("(") ? Signature() : ([], []);
        if (Expression() is not CallExpression call)
            throw TemplateSyntax.Error(token.Line, "expected a call");
        _macros.Add(names);
        return new CallBlockStatement(call, CloseMacro(names, null, parameters, defaults, FramedBody("endcall")));
    }

    private FilterBlockStatement FilterBlock()
    {
        Expression filter = Filter(null);
        return new FilterBlockStatement((FilterExpression)Filters(filter)!, FramedBody("endfilter", keepsLoop: true));
    }

    private WithStatement With()
    {
        var bindings = new List<(Target, Expression)>();
        while (Current.Kind != TokenKind.BlockEnd)
        {
            if (bindings.Count > 0)
                ExpectOperator(",");
            Target target = AssignmentTarget(allowNamespace: false, endsAtIn: false);
            ExpectOperator("=");
            bindings.Add((target, Expression()));
        }

        return new WithStatement(bindings, FramedBody("endwith", keepsLoop: true));
    }

    private Statement? Print()
    {
        var values = new List<Expression>();
        while (Current.Kind != TokenKind.BlockEnd)
        {
            if (values.Count > 0)
                ExpectOperator(",");
            values.Add(Expression());
        }

        return values.Count == 0 ? null : new OutputStatement(values.Count == 1 ? values[0] : new ConcatExpression(values));
    }

    private Target AssignmentTarget(bool allowNamespace, bool endsAtIn)
    {
        Token first = Current;
        var items = new List<Target>();
        bool isTuple = false;
        while (true)
        {
            if (items.Count > 0)
                ExpectOperator(",");
            if (IsTupleEnd() || (endsAtIn && Current.IsName("in")))
                break;
            items.Add(PrimaryTarget(allowNamespace));
            if (!Current.IsOperator(","))
                break;
            isTuple = true;
        }

        if (isTuple)
            return new TupleTarget(items);
        return items.Count == 1 ? items[0] : throw TemplateSyntax.Error(first.Line, $"expected a name to assign to, got {first}");
    }

    private Target PrimaryTarget(bool allowNamespace)
    {
        Token token = Current;
        if (token.IsOperator("("))
        {
            Enter(token);
            _at++;
            Target inner = AssignmentTarget(allowNamespace: false, endsAtIn: false);
            ExpectOperator(")");
            _depth--;
            return inner;
        }

        if (token.Kind != TokenKind.Name || token.Text is "true" or "false" or "none" or "True" or "False" or "None")
            throw TemplateSyntax.Error(token.Line, $"cannot assign to {token}");
        _at++;
        return allowNamespace && SkipOperator(".") ? new NamespaceTarget(token.Text, PlainName()) : new NameTarget(token.Text);
    }

    // Expressions, from the loosest rank to the tightest

    private Expression Expression() => Conditional();

    private Expression TupleOrExpression(bool conditional, string? end = null, bool parenthesised = false)
    {
        Token first = Current;
        var items = new List<Expression>();
        bool isTuple = false;
        while (true)
        {
            if (items.Count > 0)
                ExpectOperator(",");
            if (IsTupleEnd() || (end is not null && Current.IsName(end)))
                break;
            items.Add(conditional ? Conditional() : Or());
            if (!Current.IsOperator(","))
                break;
            isTuple = true;
        }

        if (isTuple || (items.Count == 0 && parenthesised))
            return new ListExpression(items, IsTuple: true);
        return items.Count == 1 ? items[0] : throw TemplateSyntax.Error(first.Line, $"expected an expression, got {Current}");
    }

    private bool IsTupleEnd() => Current.Kind is TokenKind.VariableEnd or TokenKind.BlockEnd || Current.IsOperator(")");

    private Expression Conditional()
    {
        Enter(Current);
        int unknown = _unknown.Count;
        Expression value = Or();
        while (SkipName("if"))
        {
            Expression test = Or();
            Expression? otherwise = SkipName("else") ? Conditional() : null;
            value = new ConditionalExpression(test, value, otherwise);
            _unknown.RemoveRange(unknown, _unknown.Count - unknown);
        }

        _depth--;
        return value;
    }

    private Expression Or() => Logic("or", isOr: true);

    private Expression Logic(string word, bool isOr)
    {
        Expression first = isOr ? Logic("and", isOr: false) : Not();
        if (!Current.IsName(word))
            return first;
        var operands = new List<Expression> { first };
        while (SkipName(word))
            operands.Add(isOr ? Logic("and", isOr: false) : Not());
        return new LogicExpression(operands, isOr);
    }

    private Expression Not()
    {
        Token token = Current;
        if (!SkipName("not"))
            return Compare();
        Enter(token);
        var node = new NotExpression(Not());
        _depth--;
        return node;
    }

    private Expression Compare()
    {
        Expression first = Arithmetic(0);
        var rest = new List<(string, Expression)>();
        while (true)
        {
            if (Current.Kind == TokenKind.Operator && Current.Text is "==" or "!=" or "<" or "<=" or ">" or ">=")
            {
                rest.Add((Next().Text, Arithmetic(0)));
            }
            else if (SkipName("in"))
            {
                rest.Add(("in", Arithmetic(0)));
            }
            else if (Current.IsName("not") && _tokens[_at + 1].IsName("in"))
            {
                _at += 2;
                rest.Add(("not in", Arithmetic(0)));
            }
            else
            {
                return rest.Count == 0 ? first : new CompareExpression(first, rest);
            }
        }
    }

    /// <summary>Rank 0: <c>+ -</c>, 1: <c>~</c>, 2: <c>* / // %</c>, 3: <c>**</c>.</summary>
    private Expression Arithmetic(int rank)
    {
        if (rank == 4)
            return Unary(filters: true);
        Expression first = Arithmetic(rank + 1);
        if (!IsOperatorOf(rank))
            return first;
        var rest = new List<(string Operator, Expression Operand)>();
        while (IsOperatorOf(rank))
            rest.Add((Next().Text, Arithmetic(rank + 1)));
        return rank == 1 ? new ConcatExpression([first, .. rest.Select(step => step.Operand)]) : new ArithmeticExpression(first, rest);
    }

    private bool IsOperatorOf(int rank) => Current.Kind == TokenKind.Operator && rank switch
    {
        0 => Current.Text is "+" or "-",
        1 => Current.Text is "~",
        2 => Current.Text is "*" or "/" or "//" or "%",
        _ => Current.Text is "**",
    };

    private Expression Unary(bool filters)
    {
        Token token = Current;
        Expression node;
        if (token.IsOperator("-") || token.IsOperator("+"))
        {
            Enter(token);
            _at++;
            node = new SignExpression(Unary(filters: false), Negate: token.Text == "-");
            _depth--;
        }
        else
        {
            node = Primary();
        }

        node = Postfix(node);
        return filters ? FiltersAndTests(node) : node;
    }

    private Expression Primary()
    {
        Token token = Next();
        switch (token.Kind)
        {
            case TokenKind.Name:
                if (token.Text is "true" or "True" or "false" or "False")
                    return new LiteralExpression(BoolValue.Of(token.Text is "true" or "True"));
                if (token.Text is "none" or "None")
                    return new LiteralExpression(NoneValue.Instance);
                foreach (MacroNames macro in _macros)
                    macro.Mention(token.Text);
                return new NameExpression(token.Text);
            case TokenKind.String:
                var parts = new List<string> { token.Text };
                while (Current.Kind == TokenKind.String)
                    parts.Add(Next().Text);
                return new LiteralExpression(new StringValue(string.Concat(parts)));
            case TokenKind.Integer:
                return new LiteralExpression(new IntValue(Integer(token)));
            case TokenKind.Float:
                return new LiteralExpression(new FloatValue(double.Parse(token.Text, NumberStyles.Float, CultureInfo.InvariantCulture)));
            case TokenKind.Operator when token.Text is "(" or "[" or "{":
                Enter(token);
                Expression node = token.Text switch { "(" => Parenthesised(), "[" => ListLiteral(), _ => DictLiteral() };
                _depth--;
                return node;
            default:
                throw TemplateSyntax.Error(token.Line, $"unexpected {token}");
        }
    }

    private Expression Parenthesised()
    {
        Expression node = TupleOrExpression(conditional: true, parenthesised: true);
        ExpectOperator(")");
        return node;
    }

    private ListExpression ListLiteral()
    {
        var items = new List<Expression>();
        while (!Current.IsOperator("]"))
        {
            if (items.Count > 0)
                ExpectOperator(",");
            if (Current.IsOperator("]"))
                break;
            items.Add(Expression());
        }

        _at++;
        return new ListExpression(items, IsTuple: false);
    }

    private DictExpression DictLiteral()
    {
        var entries = new List<(Expression, Expression)>();
        while (!Current.IsOperator("}"))
        {
            if (entries.Count > 0)
                ExpectOperator(",");
            if (Current.IsOperator("}"))
                break;
            Expression key = Expression();
            ExpectOperator(":");
            entries.Add((key, Expression()));
        }

        _at++;
        return new DictExpression(entries);
    }

    private BigInteger Integer(Token token)
    {
        // Four bits a digit is generous for every base.
        if (token.Text.Length * 4 > _limits.IntegerBits)
            throw TemplateSyntax.Error(token.Line, $"a number of {token.Text.Length} digits, at most {_limits.IntegerBits / 4}");
        if (token.Text.Length < 2 || token.Text[0] != '0')
            return BigInteger.Parse(token.Text, NumberStyles.None, CultureInfo.InvariantCulture);
        int radix = token.Text[1] switch { 'x' or 'X' => 16, 'o' or 'O' => 8, 'b' or 'B' => 2, _ => 10 };
        BigInteger number = 0;
        foreach (char digit in radix == 10 ? token.Text : token.Text[2..])
            number = number * radix + Convert.ToInt32(digit.ToString(), 16);
        return number;
    }

    private Expression Postfix(Expression node)
    {
        while (Current.Kind == TokenKind.Operator)
        {
            if (Current.Text == ".")
                node = Dot(node);
            else if (Current.Text == "[")
                node = Subscript(node);
            else if (Current.Text == "(")
                node = new CallExpression(node, Arguments());
            else
                break;
        }

        return node;
    }

    private Expression Dot(Expression node)
    {
        _at++;
        Token token = Next();
        return token.Kind switch
        {
            TokenKind.Name => new AttributeExpression(node, token.Text),
            TokenKind.Integer => new ItemExpression(node, new LiteralExpression(new IntValue(Integer(token)))),
            _ => throw TemplateSyntax.Error(token.Line, $"expected a name or number behind the dot, got {token}"),
        };
    }

    private ItemExpression Subscript(Expression node)
    {
        Token open = Next();
        Enter(open);
        var items = new List<Expression>();
        while (!Current.IsOperator("]"))
        {
            if (items.Count > 0)
                ExpectOperator(",");
            items.Add(IndexOrSlice());
        }

        _at++;
        _depth--;
        return new ItemExpression(node, items.Count == 1 ? items[0] : new ListExpression(items, IsTuple: true));
    }

    private Expression IndexOrSlice()
    {
        Expression? start = null;
        if (!Current.IsOperator(":"))
        {
            start = Expression();
            if (!Current.IsOperator(":"))
                return start;
        }

        _at++;
        Expression? stop = Current.IsOperator(":") || AtIndexEnd() ? null : Expression();
        Expression? step = SkipOperator(":") && !AtIndexEnd() ? Expression() : null;
        return new SliceExpression(start, stop, step);
    }

    private bool AtIndexEnd() => Current.IsOperator("]") || Current.IsOperator(",");

    private CallArguments Arguments()
    {
        Token open = Current;
        Enter(open);
        ExpectOperator("(");
        var positional = new List<Expression>();
        var named = new List<(string, Expression)>();
        Expression? spread = null, namedSpread = null;
        bool first = true;
        while (!Current.IsOperator(")"))
        {
            if (!first)
            {
                ExpectOperator(",");
                if (Current.IsOperator(")"))
                    break;
            }

            first = false;
            if (SkipOperator("*"))
            {
                Ensure(spread is null && namedSpread is null);
                spread = Expression();
            }
            else if (SkipOperator("**"))
            {
                Ensure(namedSpread is null);
                namedSpread = Expression();
            }
            else if (Current.Kind == TokenKind.Name && _tokens[_at + 1].IsOperator("="))
            {
                Ensure(namedSpread is null);
                string name = Next().Text;
                Ensure(named.Count < MaxNames && !named.Exists(argument => argument.Item1 == name));
                _at++;
                named.Add((name, Expression()));
            }
            else
            {
                Ensure(spread is null && namedSpread is null && named.Count == 0);
                positional.Add(Expression());
            }
        }

        _at++;
        _depth--;
        return new CallArguments(positional, named, spread, namedSpread);

        void Ensure(bool holds)
        {
            if (!holds)
                throw TemplateSyntax.Error(open.Line, "invalid syntax for a call's arguments");
        }
    }

    private Expression FiltersAndTests(Expression node)
    {
        while (true)
        {
            if (Current.IsOperator("|"))
                node = Filters(node)!;
            else if (Current.IsName("is"))
                node = Test(node);
            else if (Current.IsOperator("("))
                node = new CallExpression(node, Arguments());
            else
                return node;
        }
    }

    private Expression? Filters(Expression? input)
    {
        while (SkipOperator("|"))
            input = Filter(input);
        return input;
    }

    private FilterExpression Filter(Expression? input)
    {
        int line = Current.Line;
        string name = DottedName();
        if (!Runtime.Filters.Exists(name))
            Unknown(line, $"no filter named '{name}'");
        return new FilterExpression(input, name, Current.IsOperator("(") ? Arguments() : CallArguments.None);
    }

    private Expression Test(Expression input)
    {
        _at++;
        bool negated = SkipName("not");
        int line = Current.Line;
        string name = DottedName();
        if (!Runtime.Tests.Exists(name))
            Unknown(line, $"no test named '{name}'");
        CallArguments arguments = CallArguments.None;
        if (Current.IsOperator("("))
        {
            arguments = Arguments();
        }
        else if (StartsOperand() && !(Current.Kind == TokenKind.Name && Current.Text is "else" or "or" or "and"))
        {
            if (Current.IsName("is"))
                throw TemplateSyntax.Error(line, "tests with 'is' cannot be chained");
            Enter(Current);
            arguments = new CallArguments([Postfix(Primary())], [], null, null);
            _depth--;
        }

        Expression node = new TestExpression(input, name, arguments);
        return negated ? new NotExpression(node) : node;
    }

    private bool StartsOperand() => Current.Kind is TokenKind.Name or TokenKind.String or TokenKind.Integer or TokenKind.Float
        || (Current.Kind == TokenKind.Operator && Current.Text is "(" or "[" or "{");

    private void Unknown(int line, string message)
    {
        if (!_soft)
            _unknown.Add((line, message));
    }

    // Tokens

    private Token Next()
    {
        Token token = _tokens[_at];
        // The end token stays current, so that reading on after it cannot leave the list.
        if (token.Kind != TokenKind.End)
            _at++;
        return token;
    }

    private void Expect(TokenKind kind)
    {
        if (Current.Kind != kind)
            throw TemplateSyntax.Error(Current.Line, $"expected {new Token(kind, kind.ToString(), 0)}, got {Current}");
        _at++;
    }

    private void ExpectOperator(string text)
    {
        if (!SkipOperator(text))
            throw TemplateSyntax.Error(Current.Line, $"expected '{text}', got {Current}");
    }

    private void ExpectName(string text)
    {
        if (!SkipName(text))
            throw TemplateSyntax.Error(Current.Line, $"expected '{text}', got {Current}");
    }

    private bool SkipOperator(string text)
    {
        bool match = Current.IsOperator(text);
        if (match)
            _at++;
        return match;
    }

    private bool SkipName(string text)
    {
        bool match = Current.IsName(text);
        if (match)
            _at++;
        return match;
    }

    private string PlainName()
    {
        Token token = Current;
        Expect(TokenKind.Name);
        return token.Text;
    }

    private string DottedName()
    {
        var parts = new List<string> { PlainName() };
        while (SkipOperator("."))
            parts.Add(PlainName());
        return string.Join('.', parts);
    }

    private void Enter(Token token)
    {
        if (++_depth > _limits.SyntaxDepth)
            throw TemplateSyntax.Error(token.Line, $"nesting deeper than {_limits.SyntaxDepth}");
    }

    private sealed class MacroNames
    {
        public bool VarArgs { get; private set; }

        public bool Named { get; private set; }

        public bool Caller { get; private set; }

        public void Mention(string name)
        {
            VarArgs |= name == "varargs";
            Named |= name == "kwargs";
            Caller |= name == "caller";
        }
    }
}
