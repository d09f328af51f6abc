using System.Buffers;
using Swarm.Protocol.Packets;

namespace Swarm.Protocol.Tests.Packets;

public sealed class TensorPacketReaderTests
{
    private static readonly PacketHeader Header = new(128, 576, 0, 128 * 576 * 4);
    private static readonly byte[] Packet = TensorChunkCodecTests.Bytes(Header.EncodedBytes, seed: 11);

    [Fact]
    public void Accept_AllPartsInOrder_GivesThePacket()
    {
        var reader = new TensorPacketReader(Header);
        byte[] memory = new byte[Header.EncodedBytes];
        foreach (TensorChunkView part in Parts(Header))
        {
            Assert.False(reader.IsComplete);
            Assert.Null(reader.Accept(part, memory));
        }

        Assert.True(reader.IsComplete);
        Assert.Equal(Packet, memory);
    }

    [Theory]
    [InlineData(new[] { 1 })]
    [InlineData(new[] { 0, 0 })]
    [InlineData(new[] { 0, 2 })]
    [InlineData(new[] { 0, 1, 2, 3, 4, 4 })]
    public void Accept_PartMissingOrRepeated_IsRefused(int[] order)
    {
        TensorChunkView[] parts = [.. Parts(Header)];
        var reader = new TensorPacketReader(Header);
        byte[] memory = new byte[Header.EncodedBytes];
        foreach (int index in order[..^1])
            Assert.Null(reader.Accept(parts[index], memory));
        int before = reader.ReceivedBytes;
        PacketException? error = reader.Accept(parts[order[^1]], memory);
        Assert.Equal((PacketErrorKind.WrongOffset, "offset"), (error!.Kind, error.Field));
        Assert.Equal(before, reader.ReceivedBytes);
    }

    [Theory]
    [InlineData(127, 576, 0, "tokens")]
    [InlineData(128, 575, 0, "hidden")]
    [InlineData(128, 1152, 1, "hidden")]
    public void Accept_PartOfAnotherPacket_IsRefusedByField(int tokens, int hidden, byte codec, string field)
    {
        int bytes = Swarm.Kernels.Codecs.ActivationCodec.ById(codec)!.MaxEncodedBytes(tokens, hidden);
        var other = new PacketHeader(tokens, hidden, codec, bytes);
        PacketException? error = new TensorPacketReader(Header).Accept(Parts(other).First(), new byte[Header.EncodedBytes]);
        Assert.Equal((PacketErrorKind.HeaderMismatch, field), (error!.Kind, error.Field));
    }

    private static IEnumerable<TensorChunkView> Parts(PacketHeader header)
    {
        for (int offset = 0; offset < header.EncodedBytes; offset += WireLimits.MaxChunkPayloadBytes)
        {
            int length = Math.Min(WireLimits.MaxChunkPayloadBytes, header.EncodedBytes - offset);
            byte[] message = TensorChunkCodecTests.Message(header, offset, Packet.AsSpan(offset, length));
            Assert.Null(TensorChunkCodec.TryRead(new ReadOnlySequence<byte>(message), out TensorChunkView part));
            yield return part;
        }
    }
}
