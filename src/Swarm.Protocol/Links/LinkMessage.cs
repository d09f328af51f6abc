using Swarm.Protocol.Wire;

namespace Swarm.Protocol.Links;

/// <summary>
/// One frame of a link with the part of a packet that rides in it. Outgoing, the part is a stretch of a <see cref="HiddenPacket"/>; incoming, it
/// lies in pooled memory until <see cref="Release"/>.
/// </summary>
public sealed class LinkMessage(LinkFrame frame)
{
    public LinkFrame Frame { get; } = frame;

    public SessionId Session => new(Frame.SessionHigh, Frame.SessionLow);

    /// <summary>Bytes of the frame on the wire; known once it was written or read.</summary>
    public int WireBytes { get; internal set; }

    /// <summary>Why the bytes received are not a frame (field, value, limit); null for a sound one.</summary>
    public string? Defect { get; internal init; }

    /// <summary>An incoming part.</summary>
    public TensorPart? Part { get; internal set; }

    // An outgoing part: a stretch of a packet. The message that carries the last stretch holds the sender's share.
    internal HiddenPacket? Packet { get; init; }

    internal int Offset { get; init; }

    internal int Length { get; init; }

    internal bool ReleasesPacket { get; init; }

    /// <summary>Gives pooled memory back. Once, by whoever handled the message.</summary>
    public void Release()
    {
        Part?.Release();
        Part = null;
        if (ReleasesPacket)
            Packet!.Dispose();
    }
}
