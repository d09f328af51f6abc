namespace Swarm.Hub;

/// <summary>Bytes [Start, End) of a file.</summary>
internal readonly record struct ByteRange(long Start, long End)
{
    public long Length => End - Start;

    public override string ToString() => $"[{Start}, {End})";
}
