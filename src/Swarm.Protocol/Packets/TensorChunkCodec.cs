using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;

namespace Swarm.Protocol.Packets;

/// <summary>
/// Writes and reads <c>swarm.v1.TensorChunk</c> as protobuf does, byte for byte, but without a copy of the payload on either side: a generated class would put
/// it into an array of its own.
/// </summary>
public static class TensorChunkCodec
{
    private const int Varint = 0;
    private const int Fixed64 = 1;
    private const int Delimited = 2;
    private const int Fixed32 = 5;
    private const int MaxHeadBytes = 48;

    /// <summary>Bytes that <see cref="Write"/> will write.</summary>
    public static int Size(in PacketHeader header, int offset, ReadOnlySpan<byte> payload) =>
        Field(header.Tokens) + Field(header.Hidden) + Field(header.CodecId) + Field(header.EncodedBytes) + Field(offset)
        + 1 + sizeof(uint) + 1 + VarintBytes((uint)payload.Length) + payload.Length;

    /// <summary>Writes the part of the packet that begins at <paramref name="offset"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The payload is empty, longer than a part may be, or goes beyond the packet: the caller's mistake.</exception>
    public static void Write(IBufferWriter<byte> writer, in PacketHeader header, int offset, ReadOnlySpan<byte> payload)
    {
        ArgumentNullException.ThrowIfNull(writer);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        if (payload.Length is 0 or > WireLimits.MaxChunkPayloadBytes || payload.Length > header.EncodedBytes - offset)
            throw new ArgumentOutOfRangeException(nameof(payload), payload.Length, $"expected 1 to {Math.Min(WireLimits.MaxChunkPayloadBytes, header.EncodedBytes - offset)} bytes");
        Span<byte> head = writer.GetSpan(MaxHeadBytes);
        int at = 0;
        Put(head, ref at, 1, header.Tokens);
        Put(head, ref at, 2, header.Hidden);
        Put(head, ref at, 3, header.CodecId);
        Put(head, ref at, 4, header.EncodedBytes);
        Put(head, ref at, 5, offset);
        head[at++] = (6 << 3) | Fixed32;
        BinaryPrimitives.WriteUInt32LittleEndian(head[at..], Checksum.Crc32C(payload));
        at += sizeof(uint);
        head[at++] = (7 << 3) | Delimited;
        PutVarint(head, ref at, (uint)payload.Length);
        writer.Advance(at);
        writer.Write(payload);
    }

    /// <summary>Reads a part where it lies. All numbers are checked; nothing is copied. Null when it can be taken.</summary>
    public static PacketException? TryRead(in ReadOnlySequence<byte> message, out TensorChunkView chunk)
    {
        chunk = default;
        var reader = new SequenceReader<byte>(message);
        ulong tokens = 0, hidden = 0, codec = 0, encodedBytes = 0, offset = 0;
        uint checksum = 0;
        while (!reader.End)
        {
            if (!TryVarint(ref reader, out ulong tag))
                return Malformed("tag", reader.Consumed, "a whole number of at most 10 bytes");
            switch (tag)
            {
                case (1 << 3) | Varint when TryVarint(ref reader, out tokens):
                case (2 << 3) | Varint when TryVarint(ref reader, out hidden):
                case (3 << 3) | Varint when TryVarint(ref reader, out codec):
                case (4 << 3) | Varint when TryVarint(ref reader, out encodedBytes):
                case (5 << 3) | Varint when TryVarint(ref reader, out offset):
                    continue;
                case (6 << 3) | Fixed32 when reader.TryReadLittleEndian(out int bits):
                    checksum = (uint)bits;
                    continue;
                case (7 << 3) | Delimited when TryVarint(ref reader, out ulong length):
                    return Take(reader, tokens, hidden, codec, encodedBytes, offset, checksum, length, out chunk);
                default:
                    if (tag >> 3 is >= 1 and <= 7 || !TrySkip(ref reader, tag))
                        return Malformed("tag", PacketHeader.Seen(tag), "a complete field of TensorChunk");
                    continue;
            }
        }

        return Malformed("payload", 0, "a payload as the last field");
    }

    /// <summary>Reads a protobuf number of up to 64 bits; false when it is cut off or longer.</summary>
    internal static bool TryVarint(ref SequenceReader<byte> reader, out ulong value)
    {
        value = 0;
        for (int shift = 0; shift < 70; shift += 7)
        {
            if (!reader.TryRead(out byte next))
                return false;
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
                return true;
        }

        return false;
    }

    private static PacketException? Take(
        SequenceReader<byte> reader, ulong tokens, ulong hidden, ulong codec, ulong encodedBytes, ulong offset, uint checksum, ulong length, out TensorChunkView chunk)
    {
        chunk = default;
        if (length != (ulong)reader.Remaining)
            return Malformed("payload", PacketHeader.Seen(length), $"{reader.Remaining} bytes, the rest of the message");
        if (PacketHeader.Check(tokens, hidden, codec, encodedBytes) is { } wrong)
            return wrong;
        if (length is 0 or > WireLimits.MaxChunkPayloadBytes)
            return new PacketException(PacketErrorKind.TooLarge, "payload", (long)length, $"1 to {WireLimits.MaxChunkPayloadBytes} bytes");
        if (offset > encodedBytes || length > encodedBytes - offset)
            return new PacketException(PacketErrorKind.WrongOffset, "offset", PacketHeader.Seen(offset), $"at most {(long)encodedBytes - (long)length} for {length} of {encodedBytes} bytes");
        chunk = new TensorChunkView(new PacketHeader((int)tokens, (int)hidden, (byte)codec, (int)encodedBytes), (int)offset, checksum, reader.UnreadSequence);
        return null;
    }

    private static bool TrySkip(ref SequenceReader<byte> reader, ulong tag)
    {
        ulong length;
        switch (tag & 7)
        {
            case Varint:
                return TryVarint(ref reader, out _);
            case Fixed64:
                length = sizeof(ulong);
                break;
            case Fixed32:
                length = sizeof(uint);
                break;
            case Delimited:
                if (!TryVarint(ref reader, out length))
                    return false;
                break;
            default:
                return false;
        }

        if (length > (ulong)reader.Remaining)
            return false;
        reader.Advance((long)length);
        return true;
    }

    private static PacketException Malformed(string field, long value, string expected) => new(PacketErrorKind.Malformed, field, value, expected);

    private static int Field(int value) => value == 0 ? 0 : 1 + VarintBytes((uint)value);

    private static int VarintBytes(uint value) => 1 + (BitOperations.Log2(value | 1) / 7);

    private static void Put(Span<byte> head, ref int at, int field, int value)
    {
        if (value == 0)
            return;
        head[at++] = (byte)((field << 3) | Varint);
        PutVarint(head, ref at, (uint)value);
    }

    private static void PutVarint(Span<byte> head, ref int at, uint value)
    {
        for (; value >= 0x80; value >>= 7)
            head[at++] = (byte)(value | 0x80);
        head[at++] = (byte)value;
    }
}
