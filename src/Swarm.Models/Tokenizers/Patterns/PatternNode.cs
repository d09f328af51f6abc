namespace Swarm.Models.Tokenizers.Patterns;

/// <summary>The syntax tree of a pattern.</summary>
internal abstract record PatternNode
{
    public sealed record One(CodePointSet Set) : PatternNode;

    public sealed record Sequence(IReadOnlyList<PatternNode> Items) : PatternNode;

    public sealed record Choice(IReadOnlyList<PatternNode> Options) : PatternNode;

    /// <param name="Max">-1 without bound.</param>
    public sealed record Repeat(PatternNode Body, int Min, int Max, RepeatMode Mode) : PatternNode;

    public sealed record Look(PatternNode Body, bool Behind, bool Negated) : PatternNode;

    public sealed record Atomic(PatternNode Body) : PatternNode;

    public sealed record At(PatternPlace Place) : PatternNode;

    private const int MaxFixedLength = 255;

    /// <summary>The one length in code points that this matches, or -1 where it varies or is over 255.</summary>
    public int FixedLength() => this switch
    {
        One => 1,
        Sequence s => s.Items.Select(i => i.FixedLength()).Aggregate(0, (sum, item) => sum < 0 || item < 0 || sum + item > MaxFixedLength ? -1 : sum + item),
        Choice c => c.Options.Select(o => o.FixedLength()).Distinct().Take(2).ToArray() is [int only] ? only : -1,
        Repeat r => r.Min == r.Max && r.Body.FixedLength() is >= 0 and int body && r.Min * body <= MaxFixedLength ? r.Min * body : -1,
        Atomic a => a.Body.FixedLength(),
        _ => 0,
    };

    public bool CanBeEmpty() => this switch
    {
        One => false,
        Sequence s => s.Items.All(i => i.CanBeEmpty()),
        Choice c => c.Options.Any(o => o.CanBeEmpty()),
        Repeat r => r.Min == 0 || r.Body.CanBeEmpty(),
        Atomic a => a.Body.CanBeEmpty(),
        _ => true,
    };
}
