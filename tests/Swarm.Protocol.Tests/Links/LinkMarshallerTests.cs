using System.Buffers;
using Google.Protobuf;
using Grpc.Core;
using Swarm.Kernels.Codecs;
using Swarm.Protocol.Links;
using Swarm.Protocol.Packets;
using Swarm.Protocol.Wire;

namespace Swarm.Protocol.Tests.Links;

/// <summary>Frames written and read by hand are those of link.proto.</summary>
public sealed class LinkMarshallerTests
{
    [Theory]
    [InlineData(1, 64)]
    [InlineData(3, 576)]
    [InlineData(100, 576)]
    public void Write_PacketOfAnySize_IsWhatTheGeneratedCodeReads(int tokens, int hidden)
    {
        float[] values = Values(tokens * hidden);
        using HiddenPacket packet = HiddenPacket.Encode(values, tokens, hidden, ActivationCodec.F32);
        byte[] expected = packet.Bytes.ToArray();
        var received = new List<byte>();
        int index = 0;
        LinkMessages.Split(new LinkFrame { Step = new Step { Number = 5 } }.Address(new SessionId(7, 8), 2), packet.Share(), message =>
        {
            byte[] bytes = Write(message);
            LinkFrame frame = LinkFrame.Parser.ParseFrom(bytes);
            Assert.Equal(bytes.Length, message.WireBytes);
            Assert.InRange(bytes.Length, 1, 64 << 10);
            Assert.Equal((7ul, 8ul, 2u), (frame.SessionHigh, frame.SessionLow, frame.Epoch));
            Assert.Equal(index++ == 0 ? LinkFrame.BodyOneofCase.Step : LinkFrame.BodyOneofCase.None, frame.BodyCase);
            Assert.Equal((uint)received.Count, frame.Chunk.Offset);
            Assert.Equal(Checksum.Crc32C(frame.Chunk.Payload.Span), frame.Chunk.Checksum);
            received.AddRange(frame.Chunk.Payload);
            message.Release();
        });

        Assert.Equal(expected, received);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(100_000)]
    public void Read_WhatTheGeneratedCodeWrote_IsTheSameInAnySegments(int segment)
    {
        byte[] payload = [.. Enumerable.Range(0, 4000).Select(index => (byte)(index * 7))];
        var frame = new LinkFrame
        {
            SessionHigh = 1,
            SessionLow = ulong.MaxValue,
            Epoch = 3,
            Result = new StepResult { Number = 1ul << 40, Rows = 2, Telemetry = { new HopTelemetry { ComputeMicros = 5 } } },
            Chunk = new TensorChunk { Tokens = 10, Hidden = 100, EncodedBytes = 4000, Checksum = Checksum.Crc32C(payload), Payload = ByteString.CopyFrom(payload) },
        };

        LinkMessage message = Read(frame.ToByteArray(), segment);

        Assert.Null(message.Defect);
        Assert.Equal(frame.Result, message.Frame.Result);
        Assert.Equal(new SessionId(1, ulong.MaxValue), message.Session);
        Assert.Equal(new PacketHeader(10, 100, 0, 4000), message.Part!.Header);
        Assert.True(message.Part.Bytes.SequenceEqual(payload));
        message.Release();
    }

    [Fact]
    public void Read_EveryTruncationAndBitFlip_IsAFrameOrADefect()
    {
        byte[] payload = Enumerable.Repeat((byte)9, 64).ToArray();
        byte[] sound = new LinkFrame
        {
            SessionHigh = 1,
            Step = new Step { Number = 3, Count = 1, EncodedBytes = 64 },
            Chunk = new TensorChunk { Tokens = 1, Hidden = 16, EncodedBytes = 64, Checksum = Checksum.Crc32C(payload), Payload = ByteString.CopyFrom(payload) },
        }.ToByteArray();
        int defects = 0;
        for (int length = 0; length < sound.Length; length++)
            Try(sound[..length]);
        for (int bit = 0; bit < sound.Length * 8; bit++)
        {
            byte[] flipped = [.. sound];
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            Try(flipped);
        }

        Assert.True(defects > sound.Length, $"{defects} defects found");

        void Try(byte[] bytes)
        {
            LinkMessage message = Read(bytes, 13);
            defects += message.Defect is null ? 0 : 1;
            Assert.False(message.Defect is not null && message.Part is not null);
            message.Release();
        }
    }

    [Fact]
    public void Share_TwoHolders_KeepsTheBytesUntilBothAreDone()
    {
        HiddenPacket packet = HiddenPacket.Encode(Values(64), 1, 64, ActivationCodec.F32);
        HiddenPacket second = packet.Share();

        packet.Dispose();
        Assert.Equal(256, second.Bytes.Length);
        second.Dispose();

        Assert.Throws<ObjectDisposedException>(() => second.Bytes.Length);
    }

    private static float[] Values(int count) => [.. Enumerable.Range(0, count).Select(index => (float)Math.Cos(index))];

    private static byte[] Write(LinkMessage message)
    {
        var context = new Writing();
        LinkMarshaller.Instance.ContextualSerializer(message, context);
        Assert.Equal(context.Declared, context.Buffer.WrittenCount);
        return context.Buffer.WrittenSpan.ToArray();
    }

    private static LinkMessage Read(byte[] bytes, int segment) => LinkMarshaller.Instance.ContextualDeserializer(new Reading(bytes, segment));

    private sealed class Writing : SerializationContext
    {
        public ArrayBufferWriter<byte> Buffer { get; } = new();

        public int Declared { get; private set; }

        public override IBufferWriter<byte> GetBufferWriter() => Buffer;

        public override void SetPayloadLength(int payloadLength) => Declared = payloadLength;

        public override void Complete()
        {
        }
    }

    private sealed class Reading(byte[] bytes, int segment) : DeserializationContext
    {
        public override int PayloadLength => bytes.Length;

        public override ReadOnlySequence<byte> PayloadAsReadOnlySequence()
        {
            Piece? first = null;
            Piece? last = null;
            for (int offset = 0; offset < bytes.Length; offset += segment)
            {
                var piece = new Piece(bytes.AsMemory(offset, Math.Min(segment, bytes.Length - offset)), last);
                first ??= piece;
                last = piece;
            }

            return first is null ? ReadOnlySequence<byte>.Empty : new ReadOnlySequence<byte>(first, 0, last!, last!.Memory.Length);
        }
    }

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(ReadOnlyMemory<byte> memory, Piece? before)
        {
            Memory = memory;
            if (before is null)
                return;
            RunningIndex = before.RunningIndex + before.Memory.Length;
            before.Next = this;
        }
    }
}
