using System.Buffers.Binary;
using System.Numerics;

namespace Swarm.Protocol.Packets;

/// <summary>CRC-32C as in iSCSI (RFC 3720, appendix B.4): polynomial 0x1EDC6F41 reflected, start and end inverted. One instruction a word where the processor has it.</summary>
public static class Checksum
{
    public static uint Crc32C(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        while (bytes.Length >= sizeof(ulong))
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[sizeof(ulong)..];
        }

        foreach (byte b in bytes)
            crc = BitOperations.Crc32C(crc, b);
        return ~crc;
    }
}
