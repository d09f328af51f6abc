using System.Buffers.Binary;
using Swarm.Protocol.Packets;

namespace Swarm.Protocol.Tests.Fuzzing;

/// <summary>Makes the checksum and the payload's length of a tensor chunk right again, where the fields before them can still be walked.</summary>
internal static class ChunkMender
{
    /// <param name="bytes">Ends with a chunk.</param>
    /// <param name="start">Where the chunk begins.</param>
    public static void Mend(byte[] bytes, int start)
    {
        int checksum = -1;
        for (int at = start; at < bytes.Length;)
        {
            int tag = bytes[at++];
            switch (tag & 7)
            {
                case 0:
                    while (at < bytes.Length && bytes[at++] >= 0x80)
                    {
                    }

                    break;
                case 5:
                    checksum = tag >> 3 == 6 ? at : checksum;
                    at += 4;
                    break;
                case 2 when tag >> 3 == 7:
                    int first = at;
                    while (at < bytes.Length && bytes[at++] >= 0x80)
                    {
                    }

                    WriteLength(bytes, first, at, bytes.Length - at);
                    if (checksum > 0 && at <= bytes.Length)
                        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(checksum), Checksum.Crc32C(bytes.AsSpan(at)));
                    return;
                default:
                    return;
            }
        }
    }

    private static void WriteLength(byte[] bytes, int first, int end, int length)
    {
        for (int at = first; at < end; at++, length >>= 7)
            bytes[at] = (byte)((length & 0x7F) | (at + 1 < end ? 0x80 : 0));
    }
}
