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

    /// <summary>The one length in code points that this matches, or -1 where it varies.</summary>
    public int FixedLength() => this switch
    {
        One => 1,
        Sequence s => s.Items.Aggregate(0, (sum, item) => sum < 0 || item.FixedLength() < 0 ? -1 : sum + item.FixedLength()),
        Choice c => c.Options.Select(o => o.FixedLength()).Distinct().Take(2).ToArray() is [int only] ? only : -1,
        Repeat r => r.Min == r.Max && r.Body.FixedLength() >= 0 ? r.Min * r.Body.FixedLength() : -1,
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
