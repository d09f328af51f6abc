namespace Swarm.Models;

/// <summary>Contiguous transformer blocks [Start, End).</summary>
public readonly record struct BlockSpan(int Start, int End)
{
    public int Count => End - Start;

    public bool Contains(int block) => block >= Start && block < End;

    public override string ToString() => $"{Start}:{End}";
}
