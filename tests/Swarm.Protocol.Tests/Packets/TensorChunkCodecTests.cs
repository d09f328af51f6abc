using System.Buffers;
using Google.Protobuf;
using Swarm.Protocol.Packets;
using Swarm.Protocol.Wire;

namespace Swarm.Protocol.Tests.Packets;

public sealed class TensorChunkCodecTests
{
    private static readonly PacketHeader Small = new(2, 3, 0, 24);

    [Theory]
    [InlineData("123456789", 0xE3069283u)]
    [InlineData("", 0u)]
    public void Crc32C_KnownText_IsTheStandardsValue(string text, uint expected) =>
        Assert.Equal(expected, Checksum.Crc32C(System.Text.Encoding.ASCII.GetBytes(text)));

    [Fact]
    public void Crc32C_32Zeros_IsTheValueOfRfc3720() => Assert.Equal(0x8A9136AAu, Checksum.Crc32C(new byte[32]));

    [Theory]
    [InlineData(1, 576, 0, 2304, 0, 2304)]
    [InlineData(128, 576, 0, 294912, 0, 61440)]
    [InlineData(128, 576, 0, 294912, 245760, 49152)]
    [InlineData(4096, 65536, 1, 256 << 20, 61440, 1)]
    public void Write_AnyPart_IsWhatProtobufWrites(int tokens, int hidden, byte codec, int encodedBytes, int offset, int length)
    {
        byte[] payload = Bytes(length, seed: 7);
        var header = new PacketHeader(tokens, hidden, codec, encodedBytes);
        byte[] expected = new TensorChunk
        {
            Tokens = (uint)tokens,
            Hidden = (uint)hidden,
            Codec = codec,
            EncodedBytes = (uint)encodedBytes,
            Offset = (uint)offset,
            Checksum = Checksum.Crc32C(payload),
            Payload = UnsafeByteOperations.UnsafeWrap(payload),
        }.ToByteArray();
        var writer = new ArrayBufferWriter<byte>();
        TensorChunkCodec.Write(writer, header, offset, payload);
        Assert.Equal(expected, writer.WrittenSpan.ToArray());
        Assert.Equal(expected.Length, TensorChunkCodec.Size(header, offset, payload));
    }

    [Fact]
    public void TryRead_BytesInPiecesOfEverySize_GivesTheSamePart()
    {
        byte[] payload = Bytes(24, seed: 3);
        byte[] message = Message(Small, 0, payload);
        for (int piece = 1; piece <= message.Length; piece++)
        {
            Assert.Null(TensorChunkCodec.TryRead(Pieces(message, piece), out TensorChunkView chunk));
            Assert.Equal(Small, chunk.Header);
            Assert.Equal(payload, chunk.Payload.ToArray());
            Assert.Null(chunk.TryCopyTo(new byte[24]));
        }
    }

    [Fact]
    public void TryRead_MessageCutAnywhere_IsRefused()
    {
        byte[] message = Message(Small, 0, Bytes(24, seed: 3));
        for (int length = 0; length < message.Length; length++)
            Assert.Equal(PacketErrorKind.Malformed, Read(message[..length])?.Kind);
    }

    [Fact]
    public void TryRead_FieldAfterThePayload_IsRefused() =>
        Assert.Equal(PacketErrorKind.Malformed, Read([.. Message(Small, 0, Bytes(24, seed: 3)), 0x08, 0x02])?.Kind);

    [Fact]
    public void TryRead_UnknownFieldBeforeThePayload_IsPassedOver() =>
        Assert.Null(Read([0x48, 0x05, 0x52, 0x02, 0x01, 0x02, .. Message(Small, 0, Bytes(24, seed: 3))]));

    [Theory]
    [InlineData(0, 3, 0, 24, 0, "tokens", PacketErrorKind.AbsurdShape)]
    [InlineData(4097, 3, 0, 24, 0, "tokens", PacketErrorKind.AbsurdShape)]
    [InlineData(uint.MaxValue, 3, 0, 24, 0, "tokens", PacketErrorKind.AbsurdShape)]
    [InlineData(2, 0, 0, 24, 0, "hidden", PacketErrorKind.AbsurdShape)]
    [InlineData(2, 65537, 0, 24, 0, "hidden", PacketErrorKind.AbsurdShape)]
    [InlineData(2, 3, 6, 24, 0, "codec", PacketErrorKind.UnknownCodec)]
    [InlineData(2, 3, 256, 24, 0, "codec", PacketErrorKind.UnknownCodec)]
    [InlineData(2, 3, 0, 0, 0, "encoded_bytes", PacketErrorKind.TooLarge)]
    [InlineData(2, 3, 0, 25, 0, "encoded_bytes", PacketErrorKind.TooLarge)]
    [InlineData(4096, 65536, 0, 1 << 30, 0, "encoded_bytes", PacketErrorKind.TooLarge)]
    [InlineData(2, 3, 0, 24, 1, "offset", PacketErrorKind.WrongOffset)]
    [InlineData(2, 3, 0, 24, uint.MaxValue, "offset", PacketErrorKind.WrongOffset)]
    public void TryRead_NumberOutsideItsLimit_IsRefusedByName(uint tokens, uint hidden, uint codec, uint encodedBytes, uint offset, string field, PacketErrorKind kind)
    {
        byte[] payload = Bytes(24, seed: 3);
        PacketException? error = Read(new TensorChunk
        {
            Tokens = tokens,
            Hidden = hidden,
            Codec = codec,
            EncodedBytes = encodedBytes,
            Offset = offset,
            Checksum = Checksum.Crc32C(payload),
            Payload = ByteString.CopyFrom(payload),
        }.ToByteArray());
        Assert.Equal((field, kind), (error?.Field, error!.Kind));
    }

    [Fact]
    public void TryRead_PayloadLongerThanAPart_IsRefused()
    {
        byte[] payload = Bytes(WireLimits.MaxChunkPayloadBytes + 1, seed: 3);
        PacketException? error = Read(new TensorChunk { Tokens = 128, Hidden = 576, EncodedBytes = 128 * 576 * 4, Payload = ByteString.CopyFrom(payload) }.ToByteArray());
        Assert.Equal(("payload", PacketErrorKind.TooLarge), (error?.Field, error!.Kind));
    }

    [Fact]
    public void TryCopyTo_AnyBitOfThePayloadFlipped_IsFound()
    {
        byte[] message = Message(Small, 0, Bytes(24, seed: 3));
        for (int bit = 0; bit < 24 * 8; bit++)
        {
            byte[] flipped = [.. message];
            flipped[message.Length - 24 + (bit / 8)] ^= (byte)(1 << (bit % 8));
            Assert.Null(TensorChunkCodec.TryRead(new ReadOnlySequence<byte>(flipped), out TensorChunkView chunk));
            Assert.Equal(PacketErrorKind.WrongChecksum, chunk.TryCopyTo(new byte[24])?.Kind);
        }
    }

    [Fact]
    public void WriteAndRead_OnePart_AllocateNothing()
    {
        byte[] payload = Bytes(2304, seed: 3);
        var header = new PacketHeader(1, 576, 0, 2304);
        var writer = new ArrayBufferWriter<byte>(4096);
        byte[] destination = new byte[2304];
        long allocated = 0;
        for (int round = 0; round < 3; round++)
        {
            writer.ResetWrittenCount();
            long before = GC.GetAllocatedBytesForCurrentThread();
            TensorChunkCodec.Write(writer, header, 0, payload);
            bool right = TensorChunkCodec.TryRead(new ReadOnlySequence<byte>(writer.WrittenMemory), out TensorChunkView chunk) is null && chunk.TryCopyTo(destination) is null;
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(right);
        }

        Assert.Equal(0, allocated);
        Assert.Equal(payload, destination);
    }

    internal static byte[] Bytes(int count, int seed)
    {
        byte[] bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    internal static byte[] Message(in PacketHeader header, int offset, ReadOnlySpan<byte> payload)
    {
        var writer = new ArrayBufferWriter<byte>();
        TensorChunkCodec.Write(writer, header, offset, payload);
        return writer.WrittenSpan.ToArray();
    }

    private static PacketException? Read(byte[] message) => TensorChunkCodec.TryRead(new ReadOnlySequence<byte>(message), out _);

    private static ReadOnlySequence<byte> Pieces(byte[] bytes, int size)
    {
        var first = new Piece(bytes.AsMemory(0, Math.Min(size, bytes.Length)), 0);
        Piece last = first;
        for (int at = size; at < bytes.Length; at += size)
            last = last.Append(bytes.AsMemory(at, Math.Min(size, bytes.Length - at)));
        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(ReadOnlyMemory<byte> memory, long runningIndex)
        {
            Memory = memory;
            RunningIndex = runningIndex;
        }

        public Piece Append(ReadOnlyMemory<byte> memory)
        {
            var next = new Piece(memory, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}
