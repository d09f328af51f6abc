namespace Swarm.Models.Templates.Syntax;

internal abstract record Statement;

internal sealed record DataStatement(string Text) : Statement;

internal sealed record OutputStatement(Expression Value) : Statement;

internal sealed record IfStatement(IReadOnlyList<(Expression Test, IReadOnlyList<Statement> Body)> Branches, IReadOnlyList<Statement> Else) : Statement;

internal sealed record ForStatement(
    Target Target, Expression Source, Expression? Test, IReadOnlyList<Statement> Body, IReadOnlyList<Statement> Else, bool Recursive) : Statement;

internal sealed record SetStatement(Target Target, Expression Value) : Statement;

/// <summary><c>{% set x %}…{% endset %}</c>; <paramref name="Filter"/> is the outermost of the filters, or null.</summary>
internal sealed record SetBlockStatement(Target Target, FilterExpression? Filter, IReadOnlyList<Statement> Body) : Statement;

internal sealed record MacroStatement(MacroDefinition Macro) : Statement;

internal sealed record CallBlockStatement(CallExpression Call, MacroDefinition Caller) : Statement;

internal sealed record FilterBlockStatement(FilterExpression Filter, IReadOnlyList<Statement> Body) : Statement;

internal sealed record WithStatement(IReadOnlyList<(Target Target, Expression Value)> Bindings, IReadOnlyList<Statement> Body) : Statement;

/// <summary>Statements with a scope of their own that change nothing else: <c>{% generation %}</c>.</summary>
internal sealed record ScopeStatement(IReadOnlyList<Statement> Body) : Statement;

internal sealed record BreakStatement : Statement;

internal sealed record ContinueStatement : Statement;

/// <summary>A macro; the three flags say which of the special names its body mentions, for only then may a call bring what they hold.</summary>
internal sealed record MacroDefinition(
    string? Name, IReadOnlyList<string> Parameters, IReadOnlyList<Expression> Defaults, IReadOnlyList<Statement> Body, bool TakesVarArgs, bool TakesNamed, bool TakesCaller);

internal abstract record Target;

internal sealed record NameTarget(string Name) : Target;

internal sealed record NamespaceTarget(string Name, string Attribute) : Target;

internal sealed record TupleTarget(IReadOnlyList<Target> Items) : Target;
