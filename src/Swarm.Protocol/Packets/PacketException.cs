namespace Swarm.Protocol.Packets;

/// <summary>A packet that cannot be taken: its sender, or the way, is at fault.</summary>
public sealed class PacketException : Exception
{
    public PacketException(PacketErrorKind kind, string field, long value, string expected)
        : base($"{field}: seen {value}, expected {expected}")
    {
        Kind = kind;
        Field = field;
        Value = value;
        Expected = expected;
    }

    public PacketErrorKind Kind { get; }

    /// <summary>Name of the field as in <c>tensor.proto</c>.</summary>
    public string Field { get; }

    /// <summary>What was seen.</summary>
    public long Value { get; }

    /// <summary>The limit, or the only value allowed.</summary>
    public string Expected { get; }
}
