using System.Numerics;
using System.Text;
using Swarm.Models.Templates.Syntax;
using Swarm.Models.Templates.Values;

namespace Swarm.Models.Templates.Runtime;

/// <summary>Walks the tree of a template and writes its text. One renderer serves one rendering.</summary>
internal sealed class Renderer(RenderContext context)
{
    private StringBuilder _output = new();

    private enum Flow
    {
        Next,
        Break,
        Continue,
    }

    public string Render(IReadOnlyList<Statement> template, IReadOnlyDictionary<string, Value> variables)
    {
        var globals = new Scope(null);
        foreach ((string name, Value value) in Globals.Create(context))
            globals.Set(name, value);
        foreach ((string name, Value value) in variables)
            globals.Set(name, value);
        Run(template, new Scope(globals));
        return _output.ToString();
    }

    // Statements

    private Flow Run(IReadOnlyList<Statement> body, Scope scope)
    {
        context.Enter();
        Flow flow = Flow.Next;
        for (int i = 0; i < body.Count && flow == Flow.Next; i++)
            flow = Run(body[i], scope);
        context.Leave();
        return flow;
    }

    private Flow Run(Statement statement, Scope scope)
    {
        context.Charge();
        switch (statement)
        {
            case DataStatement data:
                Write(data.Text);
                return Flow.Next;
            case OutputStatement output:
                Write(Printer.Str(context, Evaluate(output.Value, scope)));
                return Flow.Next;
            case IfStatement choice:
                foreach ((Expression test, IReadOnlyList<Statement> body) in choice.Branches)
                {
                    if (Operators.Truth(Evaluate(test, scope)))
                        return Run(body, scope);
                }

                return Run(choice.Else, scope);
            case ForStatement loop:
                Loop(loop, Evaluate(loop.Source, scope), scope, depth0: 0);
                return Flow.Next;
            case SetStatement set:
                Assign(set.Target, Evaluate(set.Value, scope), scope);
                return Flow.Next;
            case SetBlockStatement set:
                return SetBlock(set, scope);
            case MacroStatement macro:
                scope.Set(macro.Macro.Name!, Macro(macro.Macro, scope));
                return Flow.Next;
            case CallBlockStatement call:
                CallBlock(call, scope);
                return Flow.Next;
            case FilterBlockStatement block:
                (string text, Flow flow) = Capture(block.Body, scope);
                if (flow == Flow.Next)
                    Write(ApplyFilters(block.Filter, text, scope) is StringValue filtered ? filtered.Text : throw Errors.Type("a filter block must end in text"));
                return flow;
            case WithStatement with:
                return With(with, scope);
            case ScopeStatement block:
                return Run(block.Body, new Scope(scope));
            case BreakStatement:
                return Flow.Break;
            default:
                return Flow.Continue;
        }
    }

    private void Write(string text)
    {
        context.Charge(1 + text.Length / 16);
        if (_output.Length + (long)text.Length > context.Limits.OutputChars)
            throw RenderContext.Limit("the template's output in characters", context.Limits.OutputChars);
        _output.Append(text);
    }

    private (string Text, Flow Flow) Capture(IReadOnlyList<Statement> body, Scope scope)
    {
        StringBuilder outer = _output;
        _output = new StringBuilder();
        Flow flow = Run(body, new Scope(scope));
        string text = _output.ToString();
        _output = outer;
        context.ChargeText(text.Length);
        return (text, flow);
    }

    private void Loop(ForStatement statement, Value source, Scope scope, int depth0)
    {
        int? length = statement.Test is null ? Sequences.TryCount(source) : null;
        IEnumerable<Value> items = Sequences.Iterate(context, source);
        if (statement.Test is not null)
            items = items.Where(item => Passes(statement, item, scope));
        Func<Value, int, Value>? recurse = statement.Recursive ? (inner, depth) => Recurse(statement, inner, scope, depth) : null;
        var loop = new LoopValue(context, items, length, depth0, recurse);
        bool any = false;
        while (loop.MoveNext())
        {
            any = true;
            context.Charge();
            var round = new Scope(scope);
            round.Set("loop", loop);
            Assign(statement.Target, loop.Current, round);
            if (Run(statement.Body, round) == Flow.Break)
                return;
        }

        if (!any)
            Run(statement.Else, new Scope(scope));
    }

    private bool Passes(ForStatement statement, Value item, Scope scope)
    {
        context.Charge();
        var inner = new Scope(scope);
        Assign(statement.Target, item, inner);
        return Operators.Truth(Evaluate(statement.Test!, inner));
    }

    private StringValue Recurse(ForStatement statement, Value inner, Scope scope, int depth)
    {
        context.Enter();
        StringBuilder outer = _output;
        _output = new StringBuilder();
        Loop(statement, inner, scope, depth);
        string text = _output.ToString();
        _output = outer;
        context.Leave();
        return context.Text(text);
    }

    private Flow SetBlock(SetBlockStatement set, Scope scope)
    {
        (string text, Flow flow) = Capture(set.Body, scope);
        if (flow == Flow.Next)
            Assign(set.Target, set.Filter is null ? new StringValue(text) : ApplyFilters(set.Filter, text, scope), scope);
        return flow;
    }

    private Flow With(WithStatement with, Scope scope)
    {
        var inner = new Scope(scope);
        List<Value> values = [.. with.Bindings.Select(binding => Evaluate(binding.Value, scope))];
        for (int i = 0; i < values.Count; i++)
            Assign(with.Bindings[i].Target, values[i], inner);
        return Run(with.Body, inner);
    }

    private void Assign(Target target, Value value, Scope scope)
    {
        switch (target)
        {
            case NameTarget name:
                scope.Set(name.Name, value);
                break;
            case NamespaceTarget name:
                if (scope.Find(name.Name) is not NamespaceValue space)
                    throw new TemplateException(TemplateErrorKind.RuntimeError, "cannot assign attribute on non-namespace object");
                space.Attributes[name.Attribute] = value;
                break;
            case TupleTarget tuple:
                Unpack(tuple, value, scope);
                break;
        }
    }

    private void Unpack(TupleTarget target, Value value, Scope scope)
    {
        if (!Sequences.IsIterable(value))
            throw Errors.Type($"cannot unpack non-iterable {value.TypeName} object");
        var values = new List<Value>();
        foreach (Value item in Sequences.Iterate(context, value))
        {
            if (values.Count == target.Items.Count)
                throw Errors.Value($"too many values to unpack (expected {target.Items.Count})");
            values.Add(item);
        }

        if (values.Count < target.Items.Count)
            throw Errors.Value($"not enough values to unpack (expected {target.Items.Count}, got {values.Count})");
        for (int i = 0; i < values.Count; i++)
            Assign(target.Items[i], values[i], scope);
    }

    // Macros

    private CallableValue Macro(MacroDefinition macro, Scope defined) => new(macro.Name ?? "", arguments => Invoke(macro, defined, arguments), "Macro")
    {
        Attributes = name => name switch
        {
            "name" => macro.Name is null ? NoneValue.Instance : new StringValue(macro.Name),
            "arguments" => new ListValue([.. macro.Parameters.Select(parameter => new StringValue(parameter))], isTuple: true),
            "catch_kwargs" => BoolValue.Of(macro.TakesNamed),
            "catch_varargs" => BoolValue.Of(macro.TakesVarArgs),
            "caller" => BoolValue.Of(macro.TakesCaller),
            _ => null,
        },
    };

    private StringValue Invoke(MacroDefinition macro, Scope defined, Arguments arguments)
    {
        var scope = new Scope(defined);
        int count = macro.Parameters.Count;
        List<KeyValuePair<string, Value>> named = [.. arguments.Named];
        Value?[] given = new Value?[count];
        for (int i = 0; i < count; i++)
            given[i] = i < arguments.Positional.Count ? arguments.Positional[i] : Take(named, macro.Parameters[i]);
        if (macro.TakesCaller)
            scope.Set("caller", Take(named, "caller") ?? new UndefinedValue("No caller defined"));
        if (macro.TakesNamed)
            scope.Set("kwargs", Named(named));
        else if (named.Count > 0)
            throw Errors.Type($"macro '{macro.Name}' takes no keyword argument '{named[0].Key}'");
        if (macro.TakesVarArgs)
            scope.Set("varargs", new ListValue([.. arguments.Positional.Skip(count)], isTuple: true));
        else if (arguments.Positional.Count > count)
            throw Errors.Type($"macro '{macro.Name}' takes not more than {count} argument(s)");
        for (int i = 0; i < count; i++)
        {
            int fallback = i - (count - macro.Defaults.Count);
            // Defaults are evaluated at the call, so that they see the parameters before them.
            Value value = given[i] ?? (fallback >= 0 ? Evaluate(macro.Defaults[fallback], scope) : new UndefinedValue($"parameter '{macro.Parameters[i]}' was not provided"));
            scope.Set(macro.Parameters[i], value);
        }

        return new StringValue(Capture(macro.Body, scope).Text);
    }

    private static Value? Take(List<KeyValuePair<string, Value>> named, string name)
    {
        int index = named.FindIndex(argument => argument.Key == name);
        if (index < 0)
            return null;
        Value value = named[index].Value;
        named.RemoveAt(index);
        return value;
    }

    private static DictValue Named(List<KeyValuePair<string, Value>> named)
    {
        var entries = new OrderedDictionary<Value, Value>(ValueComparer.Instance);
        foreach ((string name, Value value) in named)
            entries[new StringValue(name)] = value;
        return new DictValue(entries);
    }

    private void CallBlock(CallBlockStatement block, Scope scope)
    {
        Value target = Evaluate(block.Call.Target, scope);
        Arguments arguments = Arguments(block.Call.Arguments, scope);
        var caller = KeyValuePair.Create("caller", (Value)Macro(block.Caller, scope));
        Write(Printer.Str(context, Call(target, new Arguments(arguments.Positional, [.. arguments.Named, caller]))));
    }

    // Expressions

    private Value Evaluate(Expression expression, Scope scope)
    {
        context.Enter();
        Value value = expression switch
        {
            LiteralExpression literal => literal.Value,
            NameExpression name => scope.Find(name.Name) ?? new UndefinedValue($"'{name.Name}' is undefined"),
            AttributeExpression attribute => Members.Attribute(context, Evaluate(attribute.Target, scope), attribute.Name),
            ItemExpression { Index: SliceExpression slice } item => Slice(Evaluate(item.Target, scope), slice, scope),
            ItemExpression item => Members.Item(context, Evaluate(item.Target, scope), Evaluate(item.Index, scope)),
            CallExpression call => Call(Evaluate(call.Target, scope), Arguments(call.Arguments, scope)),
            FilterExpression filter => Filters.Apply(context, filter.Name, Evaluate(filter.Input!, scope), Arguments(filter.Arguments, scope)),
            TestExpression test => BoolValue.Of(Tests.Apply(context, test.Name, Evaluate(test.Input, scope), Arguments(test.Arguments, scope))),
            NotExpression not => BoolValue.Of(!Operators.Truth(Evaluate(not.Operand, scope))),
            SignExpression sign => Operators.Sign(context, Evaluate(sign.Operand, scope), sign.Negate),
            LogicExpression logic => Logic(logic, scope),
            CompareExpression compare => Compare(compare, scope),
            ArithmeticExpression arithmetic => Arithmetic(arithmetic, scope),
            ConcatExpression concat => Concat(concat, scope),
            ConditionalExpression conditional => Conditional(conditional, scope),
            ListExpression list => new ListValue(Items(list.Items, scope), list.IsTuple),
            DictExpression dict => Dict(dict, scope),
            _ => throw Errors.Type("a slice stands only inside of an index"),
        };
        context.Leave();
        return value;
    }

    private Value Conditional(ConditionalExpression conditional, Scope scope)
    {
        if (Operators.Truth(Evaluate(conditional.Test, scope)))
            return Evaluate(conditional.Then, scope);
        return conditional.Else is null
            ? new UndefinedValue("the inline if-expression evaluated to false and no else section was defined.")
            : Evaluate(conditional.Else, scope);
    }

    private Value Logic(LogicExpression logic, Scope scope)
    {
        Value value = Evaluate(logic.Operands[0], scope);
        for (int i = 1; i < logic.Operands.Count && Operators.Truth(value) != logic.IsOr; i++)
            value = Evaluate(logic.Operands[i], scope);
        return value;
    }

    private BoolValue Compare(CompareExpression compare, Scope scope)
    {
        Value left = Evaluate(compare.First, scope);
        foreach ((string symbol, Expression operand) in compare.Rest)
        {
            Value right = Evaluate(operand, scope);
            if (!Operators.Compare(context, symbol, left, right))
                return BoolValue.False;
            left = right;
        }

        return BoolValue.True;
    }

    private Value Arithmetic(ArithmeticExpression arithmetic, Scope scope)
    {
        Value value = Evaluate(arithmetic.First, scope);
        foreach ((string symbol, Expression operand) in arithmetic.Rest)
            value = Operators.Arithmetic(context, symbol, value, Evaluate(operand, scope));
        return value;
    }

    private StringValue Concat(ConcatExpression concat, Scope scope)
    {
        var text = new StringBuilder();
        foreach (Expression operand in concat.Operands)
        {
            text.Append(Printer.Str(context, Evaluate(operand, scope)));
            if (text.Length > context.Limits.StringChars)
                throw RenderContext.Limit("a string", context.Limits.StringChars);
        }

        return context.Text(text.ToString());
    }

    private List<Value> Items(IReadOnlyList<Expression> items, Scope scope)
    {
        var values = new List<Value>(items.Count);
        foreach (Expression item in items)
            values.Add(Evaluate(item, scope));
        return values;
    }

    private DictValue Dict(DictExpression dict, Scope scope)
    {
        var entries = new OrderedDictionary<Value, Value>(ValueComparer.Instance);
        foreach ((Expression key, Expression value) in dict.Entries)
            entries[Operators.Key(context, Evaluate(key, scope))] = Evaluate(value, scope);
        return new DictValue(entries);
    }

    private Value Slice(Value target, SliceExpression slice, Scope scope) =>
        Sequences.Slice(context, target, Bound(slice.Start, scope), Bound(slice.Stop, scope), Bound(slice.Step, scope));

    private BigInteger? Bound(Expression? expression, Scope scope)
    {
        if (expression is null || Evaluate(expression, scope) is not { } value || value is NoneValue)
            return null;
        return ValueComparer.Integer(value) ?? throw Errors.Type("slice indices must be integers or None or have an __index__ method");
    }

    private Arguments Arguments(CallArguments written, Scope scope)
    {
        if (ReferenceEquals(written, CallArguments.None))
            return Runtime.Arguments.None;
        List<Value> positional = Items(written.Positional, scope);
        var named = new List<KeyValuePair<string, Value>>(written.Named.Count);
        foreach ((string name, Expression value) in written.Named)
            named.Add(KeyValuePair.Create(name, Evaluate(value, scope)));
        if (written.Spread is not null)
        {
            positional.AddRange(context.List(Sequences.Iterate(context, Evaluate(written.Spread, scope))).Items);
            context.ChargeElements(positional.Count);
        }

        if (written.NamedSpread is not null)
            AddNamed(named, Evaluate(written.NamedSpread, scope));
        return new Arguments(positional, named);
    }

    private static void AddNamed(List<KeyValuePair<string, Value>> named, Value value)
    {
        if (value is not DictValue dict)
            throw Errors.Expected("a mapping behind **", value);
        if (dict.Entries.Count > TemplateParser.MaxNames)
            throw RenderContext.Limit("named arguments", TemplateParser.MaxNames);
        foreach ((Value key, Value item) in dict.Entries)
        {
            string name = key is StringValue text ? text.Text : throw Errors.Type("keywords must be strings");
            if (named.Exists(argument => argument.Key == name))
                throw Errors.Type($"got multiple values for keyword argument '{name}'");
            named.Add(KeyValuePair.Create(name, item));
        }
    }

    private static Value Call(Value target, Arguments arguments) => target switch
    {
        CallableValue callable => callable.Call(arguments),
        LoopValue loop => loop.Call(arguments),
        UndefinedValue undefined => throw undefined.Error(),
        _ => throw Errors.Type($"'{target.TypeName}' object is not callable"),
    };

    /// <summary>A chain of filters whose innermost input is a block's text.</summary>
    private Value ApplyFilters(FilterExpression filter, string text, Scope scope)
    {
        context.Enter();
        Value input = filter.Input is FilterExpression inner ? ApplyFilters(inner, text, scope) : new StringValue(text);
        Value result = Filters.Apply(context, filter.Name, input, Arguments(filter.Arguments, scope));
        context.Leave();
        return result;
    }
}
