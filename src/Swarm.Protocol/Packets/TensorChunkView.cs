using System.Buffers;

namespace Swarm.Protocol.Packets;

/// <summary>A received part, still in the transport's buffers: borrowed as long as they are. Its numbers are within the limits; its checksum is compared when it is copied (<see cref="TryCopyTo"/>).</summary>
public readonly struct TensorChunkView
{
    internal TensorChunkView(in PacketHeader header, int offset, uint checksum, in ReadOnlySequence<byte> payload)
    {
        Header = header;
        Offset = offset;
        Checksum = checksum;
        Payload = payload;
    }

    public PacketHeader Header { get; }

    /// <summary>Where in the packet the payload belongs, bytes.</summary>
    public int Offset { get; }

    /// <summary>CRC-32C that the sender stated.</summary>
    public uint Checksum { get; }

    public ReadOnlySequence<byte> Payload { get; }

    /// <summary>Bytes of the payload.</summary>
    public int Length => (int)Payload.Length;

    /// <summary>Copies the payload and compares the checksum of the copy: what was checked is what is used. Null when it is right.</summary>
    public PacketException? TryCopyTo(Span<byte> destination)
    {
        Payload.CopyTo(destination);
        uint actual = Packets.Checksum.Crc32C(destination[..Length]);
        return actual == Checksum ? null : new PacketException(PacketErrorKind.WrongChecksum, "checksum", Checksum, $"{actual}, the CRC-32C of the {Length} payload bytes");
    }
}
