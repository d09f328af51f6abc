using System.Buffers;
using Google.Protobuf;
using Grpc.Core;
using Swarm.Kernels.Codecs;
using Swarm.Protocol.Links;
using Swarm.Protocol.Packets;
using Swarm.Protocol.Wire;
using Swarm.Testing.Fuzzing;
using Xunit.Abstractions;

namespace Swarm.Protocol.Tests.Fuzzing;

/// <summary>What a neighbour on a chain may send.</summary>
public sealed class PacketFuzzTests(ITestOutputHelper output)
{
    [Fact]
    public void TensorChunk_BrokenBytes_IsRefusedOrTaken() => FuzzCheck.Run(
        new FuzzTarget
        {
            Name = "tensor chunk",
            Seeds = Chunks(),
            Mutators = [new ByteMutator { Fields = [1, 3, 4, 5, 6, 7, 8, 9], Mend = MendChunk }],
            Parse = ReadChunk,
            TypedError = _ => null,
            PassedHeader = (bytes, _) => TensorChunkCodec.TryRead(new ReadOnlySequence<byte>(bytes), out TensorChunkView _) is null or { Kind: PacketErrorKind.WrongChecksum or PacketErrorKind.WrongOffset },
            MaxAllocatedBytes = 1 << 20,
        },
        output);

    [Fact]
    public void LinkFrame_BrokenBytes_BecomesAMessageWithADefect()
    {
        byte[][] seeds = Frames();
        FuzzCheck.Run(
            new FuzzTarget
            {
                Name = "link frame",
                Seeds = seeds,
                Mutators = [new ByteMutator { Mend = MendFrame }],
                Parse = ReadFrame,
                TypedError = _ => null,
                PassedHeader = (bytes, _) => ReadFrame(bytes) != "bad frame",
                MaxAllocatedBytes = 1 << 20,
            },
            output);
    }

    private static List<byte[]> Chunks()
    {
        var seeds = new List<byte[]>();
        foreach (ActivationCodec codec in ActivationCodec.All)
        {
            const int tokens = 2, hidden = 24;
            byte[] packet = new byte[codec.MaxEncodedBytes(tokens, hidden)];
            packet = packet[..codec.Encode([.. Enumerable.Range(0, tokens * hidden).Select(i => (i % 7) - 2.5f)], tokens, hidden, packet)];
            var header = new PacketHeader(tokens, hidden, codec.Id, packet.Length);
            seeds.Add(Chunk(header, 0, packet));
            seeds.Add(Chunk(header, 0, packet.AsSpan(0, 20)));
            seeds.Add(Chunk(header, 20, packet.AsSpan(20)));
        }

        return seeds;
    }

    private static byte[] Chunk(in PacketHeader header, int offset, ReadOnlySpan<byte> payload)
    {
        var writer = new ArrayBufferWriter<byte>();
        TensorChunkCodec.Write(writer, header, offset, payload);
        return writer.WrittenSpan.ToArray();
    }

    private static string ReadChunk(byte[] bytes)
    {
        // In two segments, as a transport may hand it over.
        if (TensorChunkCodec.TryRead(Segments.Of(bytes, bytes.Length / 2), out TensorChunkView chunk) is { } wrong)
            return wrong.Kind.ToString();
        if (chunk.Header.EncodedBytes > 1 << 18)
            return "larger than this test takes";
        byte[] packet = new byte[chunk.Header.EncodedBytes];
        if (chunk.TryCopyTo(packet.AsSpan(chunk.Offset, chunk.Length)) is { } refused)
            return refused.Kind.ToString();
        if (chunk.Length < packet.Length || (long)chunk.Header.Tokens * chunk.Header.Hidden > 1 << 16)
            return "part";
        float[] values = new float[chunk.Header.Tokens * chunk.Header.Hidden];
        bool taken = ActivationCodec.ById(chunk.Header.CodecId)!.TryDecode(packet, chunk.Header.Tokens, chunk.Header.Hidden, values, out _);
        return taken ? "decoded" : "refused by the codec";
    }

    private static byte[] MendChunk(byte[] bytes)
    {
        ChunkMender.Mend(bytes, 0);
        return bytes;
    }

    private static byte[][] Frames()
    {
        var step = new Step { Number = 3, Position = 5, Count = 2, Outputs = Outputs.Last, EncodedBytes = 192 };
        step.Telemetry.Add(new HopTelemetry());
        var open = new OpenSession { ModelIdentity = ByteString.CopyFrom(new byte[32]), MaxPositions = 100, KvNeed = 50 };
        open.Hops.Add(new Hop { Peer = ByteString.CopyFrom(new byte[32]), Addresses = { "127.0.0.1:31330" }, FirstBlock = 0, EndBlock = 5 });
        open.RoundingPoints.Add(5);
        LinkFrame[] frames =
        [
            new LinkFrame { Hello = new Hello { Version = 1, Purpose = Purpose.Decode, Peer = ByteString.CopyFrom(new byte[32]) } },
            new LinkFrame { SessionHigh = 1, SessionLow = 2, Epoch = 1, Open = open },
            new LinkFrame { SessionHigh = 1, SessionLow = 2, Epoch = 1, Step = step },
        ];
        byte[] chunk = Chunks()[0];
        byte[] withChunk = [.. frames[2].ToByteArray(), (15 << 3) | 2, .. Varint(chunk.Length), .. chunk];
        return [.. frames.Select(frame => frame.ToByteArray()), withChunk, withChunk];
    }

    private static byte[] Varint(int value) => value < 0x80 ? [(byte)value] : [(byte)(value | 0x80), (byte)(value >> 7)];

    /// <summary>The chunk is the last field of its frame: its length and checksum are made to fit what follows.</summary>
    private static byte[] MendFrame(byte[] bytes)
    {
        int tag = Array.LastIndexOf(bytes, (byte)((15 << 3) | 2), bytes.Length - 1 < 0 ? 0 : bytes.Length - 1);
        for (int at = 0; at + 3 < bytes.Length; at++)
        {
            if (bytes[at] == ((15 << 3) | 2) && bytes[at + 1] >= 0x80 && bytes[at + 3] == ((1 << 3) | 0))
                tag = at;
        }

        if (tag < 0 || tag + 3 >= bytes.Length || bytes[tag + 1] < 0x80)
            return bytes;
        int length = bytes.Length - tag - 3;
        (bytes[tag + 1], bytes[tag + 2]) = ((byte)(length | 0x80), (byte)(length >> 7));
        ChunkMender.Mend(bytes, tag + 3);
        return bytes;
    }

    private static string ReadFrame(byte[] bytes)
    {
        LinkMessage message = LinkMarshaller.Instance.ContextualDeserializer(new Payload(bytes));
        string outcome = message.Defect is null ? message.Part is null ? "frame" : "frame with a part" : message.Defect.StartsWith("chunk", StringComparison.Ordinal) ? "bad chunk" : "bad frame";
        message.Release();
        return outcome;
    }

    private sealed class Payload(byte[] bytes) : DeserializationContext
    {
        public override int PayloadLength => bytes.Length;

        public override byte[] PayloadAsNewBuffer() => [.. bytes];

        public override ReadOnlySequence<byte> PayloadAsReadOnlySequence() => Segments.Of(bytes, bytes.Length / 3);
    }
}
