using System.Buffers.Binary;
using System.Buffers.Text;
using System.IO.Pipelines;
using System.Text;
using Google.Protobuf;
using Grpc.Core;
using Swarm.Protocol.Membership;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;
using Swarm.Testing.Fuzzing;
using Xunit.Abstractions;

namespace Swarm.Protocol.Tests.Fuzzing;

/// <summary>What a stranger may send before anything is known of him.</summary>
public sealed class TransportFuzzTests(ITestOutputHelper output)
{
    private static readonly Marshaller<Hello> HelloMarshaller = ProtobufMarshaller.Create(Hello.Parser);

    [Fact]
    public void GrpcFrames_BrokenBytes_FailOnlyAsRpcException() => FuzzCheck.Run(
        new FuzzTarget
        {
            Name = "gRPC frames",
            Seeds = [Frames(1), Frames(3)],
            Mutators = [new ByteMutator { Fields = [1], Mend = MendLengths }, new ByteMutator { Fields = [0, 1, 2, 3, 4] }],
            Parse = ReadFrames,
            TypedError = error => (error as RpcException)?.StatusCode.ToString(),
            PassedHeader = (bytes, _) => bytes.Length >= 5 && bytes[0] == 0 && BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(1)) <= bytes.Length - 5,
            MaxAllocatedBytes = 1 << 20,
        },
        output);

    [Fact]
    public void Invite_BrokenText_FailsOnlyAsPromised()
    {
        byte[] seed = Encoding.UTF8.GetBytes(Invitation());
        FuzzCheck.Run(
            new FuzzTarget
            {
                Name = "invite",
                Seeds = [seed],
                Mutators =
                [
                    new WrappedMutator(
                        new ByteMutator(), text => Base64Url.DecodeFromUtf8(text.AsSpan(6)), bytes => [.. "swarm1"u8, .. Base64Url.EncodeToUtf8(bytes)]),
                    new ByteMutator { Signature = 6 },
                ],
                Parse = bytes => $"{SwarmInvite.Parse(Encoding.UTF8.GetString(bytes)).Addresses.Length} addresses",
                TypedError = error => (error as SwarmException)?.Fault.ToString(),
                PassedHeader = (_, error) => error is null || !(error.Message.Contains("begins with", StringComparison.Ordinal) || error.Message.Contains("base64url", StringComparison.Ordinal)),
                MaxAllocatedBytes = 1 << 20,
            },
            output);
    }

    [Fact]
    public void HeaderText_BrokenText_IsReadOrLeftOut() => FuzzCheck.Run(
        new FuzzTarget
        {
            Name = "header text",
            Seeds = [.. new[] { "127.0.0.1:31330", "[::1]:80", "node-1.example.org:65535", "10S", "99999999H", "deadline exceeded%21 %E2%82%AC%", "AQID,BAUG", "x-key-bin", "16" }.Select(Encoding.UTF8.GetBytes)],
            Mutators = [new ByteMutator { MaxLength = 4096 }],
            Parse = ReadText,
            TypedError = _ => null,
            PassedHeader = (bytes, _) => bytes.Length > 0,
            MaxAllocatedBytes = 1 << 20,
        },
        output);

    private static string Invitation()
    {
        using SwarmRoot root = SwarmRoot.Found();
        return root.Issue([new PeerAddress("127.0.0.1", 31330), new PeerAddress("::1", 31331)]).WithModel(new byte[32], "tiny").ToText();
    }

    private static byte[] Frames(int count)
    {
        var bytes = new List<byte>();
        for (int i = 0; i < count; i++)
        {
            byte[] message = new Hello { Version = 1, Purpose = Purpose.Bulk, Peer = ByteString.CopyFrom(new byte[32]) }.ToByteArray();
            bytes.Add(0);
            bytes.AddRange(Length(message.Length));
            bytes.AddRange(message);
        }

        return [.. bytes];
    }

    private static byte[] Length(int length)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, length);
        return bytes;
    }

    /// <summary>One frame of all that there is.</summary>
    private static byte[] MendLengths(byte[] bytes)
    {
        if (bytes.Length < 5)
            return bytes;
        bytes[0] = 0;
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(1), bytes.Length - 5);
        return bytes;
    }

    private static string ReadFrames(byte[] bytes)
    {
        var reader = new FrameReader<Hello>(PipeReader.Create(Segments.Of(bytes, bytes.Length / 2)), HelloMarshaller, maxBytes: 1 << 16);
        int messages = 0;
        while (Next(reader))
            messages++;
        return messages > 3 ? "many messages" : $"{messages} messages";
    }

    /// <summary>All bytes are there, so that reading never waits.</summary>
    private static bool Next(FrameReader<Hello> reader)
    {
        ValueTask<bool> next = reader.ReadAsync(default);
        Assert.True(next.IsCompleted);
        return next.GetAwaiter().GetResult();
    }

    private static string ReadText(byte[] bytes)
    {
        string text = Encoding.UTF8.GetString(bytes);
        bool isAddress = PeerAddress.TryParse(text, out PeerAddress address, out string? error);
        Assert.Equal(isAddress, error is null);
        if (isAddress)
            Assert.Equal(address, PeerAddress.Parse(address.ToString()));
        bool isTimeout = TimeoutText.TryDecode(text, out TimeSpan timeout);
        Assert.True(!isTimeout || timeout >= TimeSpan.Zero);
        _ = StatusText.Decode(text);
        // Longer texts are cut, so only short ones come back whole.
        if (text.Length < 600)
            Assert.Equal(text, StatusText.Decode(StatusText.Encode(text)));
        _ = HeaderCodec.ReadStatus(text, text);
        var metadata = new Metadata();
        HeaderCodec.Add(metadata, text, text);
        HeaderCodec.Add(metadata, "x-key-bin", text);
        return isAddress ? "address" : isTimeout ? "timeout" : metadata.Count > 0 ? "header" : "text";
    }
}
