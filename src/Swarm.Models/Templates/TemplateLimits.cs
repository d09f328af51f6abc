namespace Swarm.Models.Templates;

/// <summary>
/// What a template may use. A template comes with a model, that is from a stranger, so everything that it can make grow is bounded;
/// text costs steps by its length, which bounds what one rendering allocates in all, not only what it holds.
/// </summary>
public sealed record TemplateLimits
{
    public static TemplateLimits Default { get; } = new();

    /// <summary>Length of the source in UTF-16 units.</summary>
    public int SourceChars { get; init; } = 1 << 20;

    /// <summary>Nesting of expressions and statements in the source.</summary>
    public int SyntaxDepth { get; init; } = 100;

    /// <summary>Evaluated nodes, iterated elements and, 16 for one, characters handled.</summary>
    public long Steps { get; init; } = 2_000_000;

    /// <summary>Length of the result in UTF-16 units.</summary>
    public int OutputChars { get; init; } = 8 << 20;

    /// <summary>Length of any one string on the way.</summary>
    public int StringChars { get; init; } = 8 << 20;

    /// <summary>Elements of any one list, mapping or range.</summary>
    public int Elements { get; init; } = 100_000;

    /// <summary>Nesting while rendering: evaluated nodes inside each other, macro calls included.</summary>
    public int Depth { get; init; } = 600;

    /// <summary>Nesting of lists and mappings when they are printed, compared or read from JSON.</summary>
    public int ValueDepth { get; init; } = 100;

    /// <summary>Bits of an integer.</summary>
    public int IntegerBits { get; init; } = 1024;
}
