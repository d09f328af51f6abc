using Google.Protobuf;
using Grpc.Core;
using Swarm.Kernels.Codecs;
using Swarm.Protocol;
using Swarm.Protocol.Links;
using Swarm.Protocol.Packets;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;

namespace Swarm.Node.Tests;

/// <summary>A link on which a test may send any bytes. Frames are written by the generated code, which has no part in the node.</summary>
internal sealed class RawLink : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly Method<byte[], byte[]> Method =
        new(MethodType.DuplexStreaming, LinkService.Name, "Link", Marshallers.Create(bytes => bytes, bytes => bytes), Marshallers.Create(bytes => bytes, bytes => bytes));

    private readonly AsyncDuplexStreamingCall<byte[], byte[]> _call;
    private bool _disposed;

    private bool _isComplete;

    private RawLink(AsyncDuplexStreamingCall<byte[], byte[]> call)
    {
        _call = call;
    }

    public SessionId Session { get; set; } = new(11, 22);

    public static RawLink Open(ITransport transport, PeerAddress address) =>
        new(transport.Connect(address, ConnectionClass.Bulk).AsyncDuplexStreamingCall(Method, null, new CallOptions()));

    /// <summary>Opens a link and exchanges greetings.</summary>
    public static async Task<RawLink> GreetAsync(ITransport transport, PeerAddress address, Purpose purpose = Purpose.Bulk)
    {
        RawLink link = Open(transport, address);
        await link.SendAsync(new LinkFrame { Hello = new Hello { Version = WireVersion.Current, Purpose = purpose } }, addressed: false);
        LinkFrame answer = await link.ReceiveAsync();
        Assert.Equal(LinkFrame.BodyOneofCase.Hello, answer.BodyCase);
        return link;
    }

    public Task SendAsync(byte[] bytes) => _call.RequestStream.WriteAsync(bytes);

    public Task SendAsync(LinkFrame frame, bool addressed = true, uint epoch = 0) =>
        SendAsync((addressed ? frame.Address(Session, epoch) : frame).ToByteArray());

    /// <summary>The next frame that is not the node's heartbeat.</summary>
    public async Task<LinkFrame> ReceiveAsync()
    {
        while (true)
        {
            LinkFrame frame = await ReceiveAnyAsync();
            if (frame.BodyCase != LinkFrame.BodyOneofCase.Progress)
                return frame;
        }
    }

    /// <summary>The next frame.</summary>
    public async Task<LinkFrame> ReceiveAnyAsync()
    {
        Assert.True(await _call.ResponseStream.MoveNext(CancellationToken.None).WaitAsync(Patience), "the node ended the link");
        return LinkFrame.Parser.ParseFrom(_call.ResponseStream.Current);
    }

    /// <summary>Says that nothing more comes.</summary>
    public Task CompleteAsync()
    {
        bool first = !_isComplete;
        _isComplete = true;
        return first ? _call.RequestStream.CompleteAsync() : Task.CompletedTask;
    }

    /// <summary>Reads until the node ends the link.</summary>
    public async Task ReceiveEndAsync()
    {
        try
        {
            while (await _call.ResponseStream.MoveNext(CancellationToken.None).WaitAsync(Patience))
            {
                // What was on its way.
            }
        }
        catch (RpcException)
        {
            // An end as well.
        }
    }

    /// <summary>The next frame of a kind; acknowledgements in between are passed over.</summary>
    public async Task<LinkFrame> ReceiveAsync(LinkFrame.BodyOneofCase wanted)
    {
        LinkFrame frame = await ReceiveAsync();
        while (frame.BodyCase == LinkFrame.BodyOneofCase.Ack && wanted != LinkFrame.BodyOneofCase.Ack)
            frame = await ReceiveAsync();
        Assert.True(frame.BodyCase == wanted, $"{frame.BodyCase} {frame.Fault}, expected {wanted}");
        return frame;
    }

    public async Task<Fault> ReceiveFaultAsync() => (await ReceiveAsync(LinkFrame.BodyOneofCase.Fault)).Fault;

    /// <summary>A request for a session over the whole of a node's blocks.</summary>
    public static OpenSession Request(NodeHost node) => new()
    {
        ModelIdentity = ByteString.CopyFrom(Convert.FromHexString(node.ModelIdentity.Hex)),
        MaxPositions = 100,
        KvNeed = 64,
        Hops =
        {
            new Hop { Peer = node.Peer.ToByteString(), Addresses = { node.Address.ToString() }, FirstBlock = (uint)node.Blocks.Start, EndBlock = (uint)node.Blocks.End },
        },
    };

    /// <summary>Opens a session and attaches to its results.</summary>
    public async Task OpenSessionAsync(NodeHost node)
    {
        await SendAsync(new LinkFrame { Open = Request(node) });
        await ReceiveAsync(LinkFrame.BodyOneofCase.Opened);
        await SendAsync(new LinkFrame { Attach = new Attach() });
    }

    /// <summary>A step as one part whose rows depend on their positions alone, so that however they are cut they are the same.</summary>
    public static LinkFrame StepAt(
        ulong number, int position, int count, int hidden, int confirmed = 0, bool replay = false, Outputs outputs = Outputs.Last, float bend = 0)
    {
        float[] values = [.. Enumerable.Range(position * hidden, count * hidden).Select(index => MathF.Sin((index * 0.37f) + bend))];
        byte[] encoded = new byte[ActivationCodec.F32.MaxEncodedBytes(count, hidden)];
        ActivationCodec.F32.Encode(values, count, hidden, encoded);
        return new LinkFrame
        {
            Step = new Step
            {
                Number = number, Position = (uint)position, Count = (uint)count, Outputs = outputs, EncodedBytes = (ulong)encoded.Length,
                Confirmed = (uint)confirmed, Replay = replay,
            },
            Chunk = new TensorChunk
            {
                Tokens = (uint)count,
                Hidden = (uint)hidden,
                EncodedBytes = (uint)encoded.Length,
                Checksum = Checksum.Crc32C(encoded),
                Payload = ByteString.CopyFrom(encoded),
            },
        };
    }

    /// <summary>A step with its packet as one part.</summary>
    public static LinkFrame Step(ulong number, int position, int count, int hidden)
    {
        float[] values = [.. Enumerable.Range(0, count * hidden).Select(index => (float)Math.Sin(index + position))];
        byte[] encoded = new byte[ActivationCodec.F32.MaxEncodedBytes(count, hidden)];
        int length = ActivationCodec.F32.Encode(values, count, hidden, encoded);
        return new LinkFrame
        {
            Step = new Step { Number = number, Position = (uint)position, Count = (uint)count, Outputs = Outputs.Last, EncodedBytes = (ulong)length },
            Chunk = new TensorChunk
            {
                Tokens = (uint)count,
                Hidden = (uint)hidden,
                EncodedBytes = (uint)length,
                Checksum = Checksum.Crc32C(encoded.AsSpan(0, length)),
                Payload = ByteString.CopyFrom(encoded, 0, length),
            },
        };
    }

    public async ValueTask DisposeAsync()
    {
        if (_disposed)
            return;
        _disposed = true;
        await CompleteAsync();
        _call.Dispose();
    }
}
