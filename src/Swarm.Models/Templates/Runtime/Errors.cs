using Swarm.Models.Templates.Values;

namespace Swarm.Models.Templates.Runtime;

/// <summary>The errors that many operations share, in Python's words.</summary>
internal static class Errors
{
    public static TemplateException Type(string message) => new(TemplateErrorKind.TypeError, message);

    public static TemplateException Value(string message) => new(TemplateErrorKind.ValueError, message);

    public static TemplateException Arithmetic(string message) => new(TemplateErrorKind.ArithmeticError, message);

    public static TemplateException Operands(string symbol, Value left, Value right) =>
        Defined(left, right) ?? Type($"unsupported operand type(s) for {symbol}: '{left.TypeName}' and '{right.TypeName}'");

    public static TemplateException NotOrdered(string symbol, Value left, Value right) =>
        Defined(left, right) ?? Type($"'{symbol}' not supported between instances of '{left.TypeName}' and '{right.TypeName}'");

    public static TemplateException Expected(string what, Value value) =>
        value is UndefinedValue undefined ? undefined.Error() : Type($"expected {what}, got '{value.TypeName}'");

    private static TemplateException? Defined(Value left, Value right) => (left as UndefinedValue ?? right as UndefinedValue)?.Error();
}
