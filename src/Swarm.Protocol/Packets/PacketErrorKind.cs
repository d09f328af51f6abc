namespace Swarm.Protocol.Packets;

/// <summary>What is wrong with a packet.</summary>
public enum PacketErrorKind
{
    /// <summary>The bytes are not the message that they should be: cut off, wrong wire type, fields after the payload.</summary>
    Malformed,

    /// <summary>Tokens or values of a row outside the limits.</summary>
    AbsurdShape,

    /// <summary>A codec id that nobody here knows.</summary>
    UnknownCodec,

    /// <summary>More bytes than the limit, or than the codec writes for the shape.</summary>
    TooLarge,

    /// <summary>A part that reaches beyond the end of its packet.</summary>
    WrongOffset,

    /// <summary>The payload is not the one that was sent.</summary>
    WrongChecksum,
}
