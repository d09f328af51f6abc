namespace Swarm.Protocol.Transport;

/// <summary>The first byte of a frame of a lane: 0 for a message, as in gRPC; what has its highest bit set belongs to the lane.</summary>
internal static class LaneFlag
{
    public const byte Message = 0;

    /// <summary>The end of an answer: status and trailers.</summary>
    public const byte Tail = 0x80;

    /// <summary>What opens the call, and what opens its answer.</summary>
    public const byte Head = 0x81;

    /// <summary>No request follows.</summary>
    public const byte RequestsEnd = 0x82;

    /// <summary>To be answered by <see cref="Pong"/>.</summary>
    public const byte Ping = 0x83;

    /// <summary>The answer, and what a listener says first.</summary>
    public const byte Pong = 0x84;
}
