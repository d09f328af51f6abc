using System.Buffers;
using System.Numerics;
using Google.Protobuf;
using Grpc.Core;
using Swarm.Protocol.Packets;
using Swarm.Protocol.Wire;

namespace Swarm.Protocol.Links;

/// <summary>
/// Writes and reads <c>swarm.v1.LinkFrame</c>. Everything but field 15 is left to the generated code; field 15, the packet's part, is written from
/// and read to native or pooled memory directly, because the generated code would copy its payload.
/// </summary>
public static class LinkMarshaller
{
    private const byte ChunkTag = (15 << 3) | 2;
    private const int MaxFrameBytes = 128 << 10;

    public static Marshaller<LinkMessage> Instance { get; } = new(Write, Read);

    /// <summary>Bytes of an outgoing message: the frame, and the part of a packet that rides in it.</summary>
    public static int Size(LinkMessage message)
    {
        int header = message.Frame.CalculateSize();
        if (message.Packet is not { } packet)
            return header;
        int chunk = TensorChunkCodec.Size(packet.Header, message.Offset, packet.Bytes.Slice(message.Offset, message.Length));
        return header + 1 + VarintSize((uint)chunk) + chunk;
    }

    private static void Write(LinkMessage message, SerializationContext context)
    {
        message.WireBytes = Size(message);
        context.SetPayloadLength(message.WireBytes);
        if (message.Packet is not { } packet)
        {
            message.Frame.WriteTo(context.GetBufferWriter());
            context.Complete();
            return;
        }

        ReadOnlySpan<byte> payload = packet.Bytes.Slice(message.Offset, message.Length);
        int chunk = TensorChunkCodec.Size(packet.Header, message.Offset, payload);
        IBufferWriter<byte> writer = context.GetBufferWriter();
        message.Frame.WriteTo(writer);
        Span<byte> head = writer.GetSpan(8);
        int at = 0;
        head[at++] = ChunkTag;
        for (uint rest = (uint)chunk; ; rest >>= 7)
        {
            head[at++] = (byte)(rest < 0x80 ? rest : rest | 0x80);
            if (rest < 0x80)
                break;
        }

        writer.Advance(at);
        TensorChunkCodec.Write(writer, packet.Header, message.Offset, payload);
        context.Complete();
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
                // What is in front is sound, so the session is known whatever is wrong with the chunk.
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
        ulong length = GetVarint(ref reader);
        if (length != (ulong)reader.Remaining)
            throw Corrupt($"chunk: {length} bytes declared, {reader.Remaining} left in the frame");
        if (TensorChunkCodec.TryRead(reader.UnreadSequence, out TensorChunkView view) is { } wrong)
            throw Corrupt($"chunk: {wrong.Message}");
        var part = new TensorPart(view.Header, view.Offset, view.Length);
        if (view.TryCopyTo(part.Rent()) is not { } damaged)
            return part;
        part.Release();
        throw Corrupt($"chunk: {damaged.Message}");
    }

    private static int VarintSize(uint value) => 1 + (BitOperations.Log2(value | 1) / 7);

    private static ulong GetVarint(ref SequenceReader<byte> reader) =>
        TensorChunkCodec.TryVarint(ref reader, out ulong value) ? value : throw Corrupt("frame: cut off within a number, or one of more than 64 bits");

    private static SwarmException Corrupt(string message) => new(FaultKind.CorruptPacket, message);
}
