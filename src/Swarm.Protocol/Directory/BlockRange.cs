using System.Globalization;

namespace Swarm.Protocol.Directory;

/// <summary>Blocks [<paramref name="First"/>, <paramref name="End"/>) of a model; empty when they are equal.</summary>
public readonly record struct BlockRange(int First, int End)
{
    public int Count => End - First;

    public bool IsEmpty => End <= First;

    public bool Contains(int block) => block >= First && block < End;

    /// <summary><c>first:end</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{First}:{End}");
}
