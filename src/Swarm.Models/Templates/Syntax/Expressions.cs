using Swarm.Models.Templates.Values;

namespace Swarm.Models.Templates.Syntax;

// The tree of an expression, one record a construct. Chains of operators of one rank are one node with a list, so that the depth of the
// tree is the depth of the nesting, whatever the length of the chain.

internal abstract record Expression;

internal sealed record LiteralExpression(Value Value) : Expression;

internal sealed record NameExpression(string Name) : Expression;

internal sealed record ListExpression(IReadOnlyList<Expression> Items, bool IsTuple) : Expression;

internal sealed record DictExpression(IReadOnlyList<(Expression Key, Expression Value)> Entries) : Expression;

/// <summary><c>target.name</c>: the attribute of the value, else its item of that name.</summary>
internal sealed record AttributeExpression(Expression Target, string Name) : Expression;

/// <summary><c>target[index]</c>: the item, else the attribute of that name.</summary>
internal sealed record ItemExpression(Expression Target, Expression Index) : Expression;

internal sealed record SliceExpression(Expression? Start, Expression? Stop, Expression? Step) : Expression;

internal sealed record CallExpression(Expression Target, CallArguments Arguments) : Expression;

/// <summary>A filter; <paramref name="Input"/> is null only at the head of a filter block, where the block's text stands in.</summary>
internal sealed record FilterExpression(Expression? Input, string Name, CallArguments Arguments) : Expression;

internal sealed record TestExpression(Expression Input, string Name, CallArguments Arguments) : Expression;

internal sealed record NotExpression(Expression Operand) : Expression;

internal sealed record SignExpression(Expression Operand, bool Negate) : Expression;

internal sealed record LogicExpression(IReadOnlyList<Expression> Operands, bool IsOr) : Expression;

/// <summary><c>a &lt; b &lt; c</c>: each adjacent pair is compared, up to the first that fails.</summary>
internal sealed record CompareExpression(Expression First, IReadOnlyList<(string Operator, Expression Operand)> Rest) : Expression;

/// <summary>Left-associative <c>+ -</c>, <c>* / // %</c> or <c>**</c>.</summary>
internal sealed record ArithmeticExpression(Expression First, IReadOnlyList<(string Operator, Expression Operand)> Rest) : Expression;

internal sealed record ConcatExpression(IReadOnlyList<Expression> Operands) : Expression;

internal sealed record ConditionalExpression(Expression Test, Expression Then, Expression? Else) : Expression;

/// <summary>Arguments as written: positional, named, <c>*list</c> and <c>**mapping</c>.</summary>
internal sealed record CallArguments(
    IReadOnlyList<Expression> Positional, IReadOnlyList<(string Name, Expression Value)> Named, Expression? Spread, Expression? NamedSpread)
{
    public static readonly CallArguments None = new([], [], null, null);
}
