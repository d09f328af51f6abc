using Google.Protobuf;
using Swarm.Protocol.Transport;

namespace Swarm.Simulation;

/// <summary>What the network sees of a link's messages.</summary>
internal static class LinkFrames
{
    private const int ChunkField = 15;

    /// <summary>Whether a message ends with a part of hidden states, and how many bytes of it that is.</summary>
    public static bool TryFindChunk(byte[] frame, out int bytes)
    {
        bytes = 0;
        var input = new CodedInputStream(frame, FrameHeader.Bytes, frame.Length - FrameHeader.Bytes);
        while (input.ReadTag() is not 0 and uint tag)
        {
            if (WireFormat.GetTagFieldNumber(tag) == ChunkField)
            {
                bytes = input.ReadLength();
                return bytes > 8;
            }

            input.SkipLastField();
        }

        return false;
    }
}
