namespace Swarm.Models.Templates.Syntax;

/// <summary>One token; <paramref name="Text"/> is unescaped for strings and data, as written for the rest.</summary>
internal readonly record struct Token(TokenKind Kind, string Text, int Line)
{
    public bool IsOperator(string text) => Kind == TokenKind.Operator && Text == text;

    public bool IsName(string text) => Kind == TokenKind.Name && Text == text;

    public override string ToString() => Kind switch
    {
        TokenKind.VariableEnd => "end of print statement",
        TokenKind.BlockEnd => "end of statement block",
        TokenKind.BlockBegin => "begin of statement block",
        TokenKind.VariableBegin => "begin of print statement",
        TokenKind.End => "end of template",
        TokenKind.Data => "template data",
        _ => Text.Length > 40 ? string.Concat(Text.AsSpan(0, 40), "…") : Text,
    };
}
