using Swarm.Protocol.Packets;
using Swarm.Protocol.Wire;

namespace Swarm.Protocol.Links;

/// <summary>Makes the frames of a session.</summary>
public static class LinkMessages
{
    /// <summary>A frame addressed to a session.</summary>
    public static LinkFrame Address(this LinkFrame frame, SessionId session, uint epoch)
    {
        frame.SessionHigh = session.High;
        frame.SessionLow = session.Low;
        frame.Epoch = epoch;
        return frame;
    }

    /// <summary>
    /// Step 6: a header and the packet that belongs to it as messages of at most 64 KiB, the first part riding with the header. Takes over the caller's share
    /// of the packet.
    /// </summary>
    public static void Split(LinkFrame header, HiddenPacket? packet, Action<LinkMessage> send)
    {
        if (packet is null)
        {
            send(new LinkMessage(header));
            return;
        }

        var session = new SessionId(header.SessionHigh, header.SessionLow);
        LinkFrame frame = header;
        for (int offset = 0; offset < packet.EncodedBytes; offset += WireLimits.MaxChunkPayloadBytes)
        {
            int length = Math.Min(WireLimits.MaxChunkPayloadBytes, packet.EncodedBytes - offset);
            bool last = offset + length == packet.EncodedBytes;
            send(new LinkMessage(frame) { Packet = packet, Offset = offset, Length = length, ReleasesPacket = last });
            if (!last)
                frame = new LinkFrame().Address(session, header.Epoch);
        }
    }
}
