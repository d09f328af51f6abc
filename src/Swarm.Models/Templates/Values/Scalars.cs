using System.Numerics;

namespace Swarm.Models.Templates.Values;

internal sealed class NoneValue : Value
{
    public static readonly NoneValue Instance = new();

    private NoneValue()
    {
    }

    public override string TypeName => "NoneType";
}

internal sealed class BoolValue : Value
{
    public static readonly BoolValue True = new(true);
    public static readonly BoolValue False = new(false);

    private BoolValue(bool flag) => Flag = flag;

    public bool Flag { get; }

    public override string TypeName => "bool";

    public static BoolValue Of(bool flag) => flag ? True : False;
}

internal sealed class IntValue(BigInteger number) : Value
{
    public BigInteger Number { get; } = number;

    public override string TypeName => "int";
}

internal sealed class FloatValue(double number) : Value
{
    public double Number { get; } = number;

    public override string TypeName => "float";
}

/// <summary>Text. <paramref name="safe"/> marks what went through <c>safe</c> or <c>escape</c>: text added to it is HTML-escaped.</summary>
internal sealed class StringValue(string text, bool safe = false) : Value
{
    public static readonly StringValue Empty = new("");

    public string Text { get; } = text;

    public bool Safe { get; } = safe;

    public override string TypeName => Safe ? "Markup" : "str";
}

/// <summary>The absence of a value: it prints as nothing, is false, has length 0, and anything else done with it is the error it carries.</summary>
internal sealed class UndefinedValue(string message, TemplateErrorKind kind = TemplateErrorKind.UndefinedError) : Value
{
    public string Message { get; } = message;

    public override string TypeName => "Undefined";

    public TemplateException Error() => new(kind, Message);
}
