using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using Google.Protobuf;
using Grpc.Core;
using Swarm.Protocol.Wire;

namespace Swarm.Protocol.Links;

/// <summary>
/// Writes and reads <c>swarm.v1.LinkFrame</c>. Everything but field 15 is left to the generated code; field 15, the packet's part, is written from
/// and read to native or pooled memory directly, because the generated code would copy its payload.
/// </summary>
public static class LinkMarshaller
{
    private const uint ChunkTag = (15 << 3) | 2;
    private const int MaxFrameBytes = 128 << 10;

    public static Marshaller<LinkMessage> Instance { get; } = new(Write, Read);

    private static void Write(LinkMessage message, SerializationContext context)
    {
        int header = message.Frame.CalculateSize();
        int chunk = message.Packet is null ? 0 : ChunkSize(message);
        int total = header + (chunk == 0 ? 0 : 1 + VarintSize((uint)chunk) + chunk);
        message.WireBytes = total;
        context.SetPayloadLength(total);
        IBufferWriter<byte> writer = context.GetBufferWriter();
        message.Frame.WriteTo(writer);
        if (chunk > 0)
            WriteChunk(writer, message, chunk);
        context.Complete();
    }

    private static int ChunkSize(LinkMessage message) =>
        1 + VarintSize((uint)message.Packet!.Tokens) + 1 + VarintSize((uint)message.Packet.Hidden) + 1 + VarintSize(message.Packet.Codec.Id)
        + 1 + VarintSize((uint)message.Packet.EncodedBytes) + 1 + VarintSize((uint)message.Offset) + 5
        + 1 + VarintSize((uint)message.Length) + message.Length;

    private static void WriteChunk(IBufferWriter<byte> writer, LinkMessage message, int size)
    {
        HiddenPacket packet = message.Packet!;
        ReadOnlySpan<byte> payload = packet.Bytes.Slice(message.Offset, message.Length);
        Span<byte> head = stackalloc byte[48];
        int at = 0;
        at = PutVarint(head, at, ChunkTag);
        at = PutVarint(head, at, (uint)size);
        at = PutField(head, at, 1, (uint)packet.Tokens);
        at = PutField(head, at, 2, (uint)packet.Hidden);
        at = PutField(head, at, 3, packet.Codec.Id);
        at = PutField(head, at, 4, (uint)packet.EncodedBytes);
        at = PutField(head, at, 5, (uint)message.Offset);
        head[at++] = (6 << 3) | 5;
        BinaryPrimitives.WriteUInt32LittleEndian(head[at..], Crc32C(payload));
        at += 4;
        head[at++] = (7 << 3) | 2;
        at = PutVarint(head, at, (uint)message.Length);
        writer.Write(head[..at]);
        writer.Write(payload);
    }

    // A frame that lies must not end the link, which other sessions share: it becomes a message that carries the defect.
    private static LinkMessage Read(DeserializationContext context)
    {
        ReadOnlySequence<byte> bytes = context.PayloadAsReadOnlySequence();
        var frame = new LinkFrame();
        try
        {
            if (bytes.Length > MaxFrameBytes)
                throw Corrupt($"frame: {bytes.Length} bytes, expected at most {MaxFrameBytes}");
            SequencePosition? chunk = FindChunk(bytes, out ReadOnlySequence<byte> body);
            frame = LinkFrame.Parser.ParseFrom(chunk is { } end ? bytes.Slice(0, end) : bytes);
            return new LinkMessage(frame) { WireBytes = (int)bytes.Length, Part = chunk is null ? null : ReadChunk(body) };
        }
        catch (InvalidProtocolBufferException exception)
        {
            return new LinkMessage(frame) { WireBytes = (int)bytes.Length, Defect = $"frame: {exception.Message}" };
        }
        catch (SwarmException exception)
        {
            return new LinkMessage(frame) { WireBytes = (int)bytes.Length, Defect = exception.Message };
        }
    }

    // Walks over the fields in front of the chunk, which is the last one, without parsing them.
    private static SequencePosition? FindChunk(ReadOnlySequence<byte> bytes, out ReadOnlySequence<byte> body)
    {
        var reader = new SequenceReader<byte>(bytes);
        body = default;
        while (!reader.End)
        {
            SequencePosition start = reader.Position;
            ulong tag = GetVarint(ref reader);
            if (tag == ChunkTag)
            {
                ulong length = GetVarint(ref reader);
                if (length != (ulong)reader.Remaining)
                    throw Corrupt($"chunk: {length} bytes declared, {reader.Remaining} left in the frame");
                body = reader.UnreadSequence;
                return start;
            }

            ulong skip = (tag & 7) switch
            {
                0 => GetVarint(ref reader) & 0,
                1 => 8,
                2 => GetVarint(ref reader),
                5 => 4,
                _ => throw Corrupt($"frame: field tag {tag}, not one of this message"),
            };
            if (skip > (ulong)reader.Remaining)
                throw Corrupt($"frame: a field of {skip} bytes, {reader.Remaining} left");
            reader.Advance((long)skip);
        }

        return null;
    }

    private static TensorPart ReadChunk(ReadOnlySequence<byte> body)
    {
        var reader = new SequenceReader<byte>(body);
        Span<ulong> fields = stackalloc ulong[6];
        fields.Clear();
        uint checksum = 0;
        while (true)
        {
            ulong tag = GetVarint(ref reader);
            switch (tag)
            {
                case 1 << 3 or 2 << 3 or 3 << 3 or 4 << 3 or 5 << 3:
                    fields[(int)(tag >> 3)] = GetVarint(ref reader);
                    break;
                case (6 << 3) | 5:
                    if (!reader.TryReadLittleEndian(out int value))
                        throw Corrupt("chunk: its checksum is cut off");
                    checksum = (uint)value;
                    break;
                case (7 << 3) | 2:
                    return ReadPayload(ref reader, fields, checksum);
                default:
                    throw Corrupt($"chunk: field tag {tag}, expected the fields of TensorChunk, its payload last");
            }
        }
    }

    private static TensorPart ReadPayload(ref SequenceReader<byte> reader, scoped ReadOnlySpan<ulong> fields, uint checksum)
    {
        ulong length = GetVarint(ref reader);
        if (length != (ulong)reader.Remaining || length is 0 or > LinkMessages.MaxPartBytes + 4096)
            throw Corrupt($"chunk: payload of {length} bytes with {reader.Remaining} left, expected 1 to {LinkMessages.MaxPartBytes}, all of the rest");
        Require("tokens", fields[1], 1, ChainLimits.MaxStepTokens);
        Require("hidden", fields[2], 1, 1 << 16);
        Require("codec", fields[3], 0, 255);
        Require("encoded_bytes", fields[4], length, int.MaxValue);
        Require("offset", fields[5], 0, fields[4] - length);
        var part = new TensorPart((int)fields[1], (int)fields[2], (byte)fields[3], (int)fields[4], (int)fields[5], (int)length);
        Span<byte> target = part.Rent();
        reader.UnreadSequence.CopyTo(target);
        uint actual = Crc32C(target);
        if (actual == checksum)
            return part;
        part.Release();
        throw Corrupt($"chunk: checksum {checksum:x8} declared, its payload gives {actual:x8}");
    }

    private static void Require(string field, ulong value, ulong least, ulong most)
    {
        if (value < least || value > most)
            throw Corrupt($"chunk: {field} {value}, expected {least} to {most}");
    }

    private static uint Crc32C(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (ulong word in words)
            crc = BitOperations.Crc32C(crc, word);
        foreach (byte value in bytes[(words.Length * 8)..])
            crc = BitOperations.Crc32C(crc, value);
        return ~crc;
    }

    private static int VarintSize(uint value) => 1 + (BitOperations.Log2(value | 1) / 7);

    private static int PutField(Span<byte> target, int at, uint field, uint value) =>
        PutVarint(target, PutVarint(target, at, field << 3), value);

    private static int PutVarint(Span<byte> target, int at, uint value)
    {
        for (; value >= 0x80; value >>= 7)
            target[at++] = (byte)(value | 0x80);
        target[at++] = (byte)value;
        return at;
    }

    private static ulong GetVarint(ref SequenceReader<byte> reader)
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            if (!reader.TryRead(out byte next))
                throw Corrupt("frame: cut off within a number");
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
                return value;
        }

        throw Corrupt("frame: a number of more than 64 bits");
    }

    private static SwarmException Corrupt(string message) => new(FaultKind.CorruptPacket, message);
}
