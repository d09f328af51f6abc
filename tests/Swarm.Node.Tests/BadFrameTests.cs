using Google.Protobuf;
using Swarm.Models;
using Swarm.Protocol;
using Swarm.Protocol.Links;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;
using Swarm.Testing;

namespace Swarm.Node.Tests;

/// <summary>Frames that lie get a fault that names field, value and limit; the link, the node and its other sessions live on.</summary>
public sealed class BadFrameTests
{
    private const int Hidden = 64;

    /// <summary>Name of a case, the fault it must give, what its message must say.</summary>
    public static TheoryData<string, FaultKind, string> BadSteps => new()
    {
        { "not protobuf", FaultKind.CorruptPacket, "frame" },
        { "wrong checksum", FaultKind.CorruptPacket, "checksum" },
        { "shape differs", FaultKind.CorruptPacket, "Tokens = 3" },
        { "absurd hidden", FaultKind.CorruptPacket, "hidden" },
        { "absurd tokens", FaultKind.CorruptPacket, "tokens" },
        { "unknown codec", FaultKind.InvalidArgument, "codec: 77" },
        { "unknown codec in chunk", FaultKind.CorruptPacket, "codec" },
        { "too many bytes", FaultKind.CorruptPacket, "encoded_bytes" },
        { "bytes past the limit", FaultKind.CorruptPacket, "encoded_bytes: 18446744073709551615" },
        { "offset in the middle", FaultKind.CorruptPacket, "offset" },
        { "labels of no page", FaultKind.InvalidArgument, "prefix_labels: 1, expected none or 0" },
        { "label too many", FaultKind.InvalidArgument, "prefix_labels: 5, expected none or 4" },
        { "label too short", FaultKind.InvalidArgument, "prefix_labels[3]: 15 bytes" },
        { "payload not last", FaultKind.CorruptPacket, "chunk" },
        { "no tokens", FaultKind.InvalidArgument, "count: 0" },
        { "too many tokens", FaultKind.InvalidArgument, "count: 5000" },
        { "gap", FaultKind.WrongPosition, "position: 7, expected 0 to 2" },
        { "over the lease", FaultKind.ContextExceeded, "positions: 101, expected at most 100" },
        { "position overflows", FaultKind.ContextExceeded, "positions: 4294967297" },
        { "number far ahead", FaultKind.ProtocolViolation, "step number: 99999" },
        { "later epoch", FaultKind.ProtocolViolation, "epoch: 3" },
        { "chunk without step", FaultKind.ProtocolViolation, "no step announced it" },
        { "step without its packet", FaultKind.ProtocolViolation, "before step 1 was complete" },
        { "frame of the other way", FaultKind.ProtocolViolation, "frame: Result, expected" },
    };

    [Theory]
    [MemberData(nameof(BadSteps))]
    public async Task Link_FrameThatLies_FaultsItsSessionAndLivesOn(string name, FaultKind kind, string says)
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestData.Path("families/llama"), inMemory: true, new ManualTime(), new BlockSpan(0, 4));
        NodeHost node = cluster.Nodes[0];
        await using ITransport transport = cluster.NewTransport();
        await using RawLink link = await RawLink.GreetAsync(transport, node.Address);
        await link.OpenSessionAsync(node);
        await link.SendAsync(RawLink.Step(0, 0, 2, Hidden));
        LinkFrame good = await link.ReceiveAsync(LinkFrame.BodyOneofCase.Result);

        await SendBadAsync(link, name);
        Fault fault = await link.ReceiveFaultAsync();

        Assert.True(fault.Kind == kind, $"{fault.Kind}: {fault.Message}");
        Assert.Contains(says, fault.Message);
        // The caller's own mistakes end the session; after anything else it waits for a later epoch, or for its end.
        if (fault.Kind.Rule().Blame != FaultBlame.Caller)
            await link.SendAsync(new LinkFrame { Close = new CloseSession() });
        await cluster.WaitUntilIdleAsync();

        // The same link serves another session, with the same numbers.
        link.Session = new SessionId(33, 44);
        await link.OpenSessionAsync(node);
        await link.SendAsync(RawLink.Step(0, 0, 2, Hidden));
        LinkFrame again = await link.ReceiveAsync(LinkFrame.BodyOneofCase.Result);
        Assert.Equal(good.Chunk.Payload, again.Chunk.Payload);
    }

    [Fact]
    public async Task Link_EarlierEpoch_IsRefusedByName()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestData.Path("families/llama"), inMemory: true, new ManualTime(), new BlockSpan(0, 4));
        await using ITransport transport = cluster.NewTransport();
        await using RawLink link = await RawLink.GreetAsync(transport, cluster.Nodes[0].Address);
        await link.SendAsync(new LinkFrame { Open = RawLink.Request(cluster.Nodes[0]) }, epoch: 2);
        await link.ReceiveAsync(LinkFrame.BodyOneofCase.Opened);

        await link.SendAsync(RawLink.Step(0, 0, 1, Hidden), epoch: 1);
        Fault fault = await link.ReceiveFaultAsync();

        Assert.Equal(FaultKind.StaleEpoch, fault.Kind);
        Assert.Contains("epoch: 1", fault.Message);
    }

    [Fact]
    public async Task Link_SessionNeverOpened_IsUnknown()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestData.Path("families/llama"), inMemory: true, new ManualTime(), new BlockSpan(0, 4));
        await using ITransport transport = cluster.NewTransport();
        await using RawLink link = await RawLink.GreetAsync(transport, cluster.Nodes[0].Address);

        await link.SendAsync(RawLink.Step(0, 0, 1, Hidden));

        Assert.Equal(FaultKind.UnknownSession, (await link.ReceiveFaultAsync()).Kind);
    }

    [Theory]
    [InlineData("identity", FaultKind.ModelMismatch, "model identity")]
    [InlineData("no hops", FaultKind.InvalidArgument, "hops: 0")]
    [InlineData("other peer", FaultKind.InvalidArgument, "hop 0")]
    [InlineData("other blocks", FaultKind.InvalidArgument, "blocks 2:9")]
    [InlineData("empty span", FaultKind.InvalidArgument, "blocks 2:2")]
    [InlineData("codec", FaultKind.InvalidArgument, "codec: 9")]
    [InlineData("points descend", FaultKind.InvalidArgument, "rounding_points: 1")]
    [InlineData("point outside", FaultKind.InvalidArgument, "rounding_points: 5")]
    [InlineData("context", FaultKind.ContextExceeded, "max_positions: 257")]
    [InlineData("no positions", FaultKind.ContextExceeded, "max_positions: 0")]
    [InlineData("need", FaultKind.InvalidArgument, "kv_need: 101")]
    [InlineData("next hop", FaultKind.InvalidArgument, "hop 1")]
    [InlineData("next address", FaultKind.InvalidArgument, "hop 1: its address")]
    [InlineData("no session", FaultKind.InvalidArgument, "session: 0")]
    [InlineData("many labels", FaultKind.InvalidArgument, "prefix_labels: 7, expected at most 6")]
    [InlineData("long label", FaultKind.InvalidArgument, "prefix_labels[0]: 17 bytes")]
    public async Task Link_OpenThatCannotBe_IsRefused(string name, FaultKind kind, string says)
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestData.Path("families/llama"), inMemory: true, new ManualTime(), new BlockSpan(0, 4));
        NodeHost node = cluster.Nodes[0];
        await using ITransport transport = cluster.NewTransport();
        await using RawLink link = await RawLink.GreetAsync(transport, node.Address);
        OpenSession open = RawLink.Request(node);
        switch (name)
        {
            case "identity":
                open.ModelIdentity = ByteString.CopyFrom(new byte[32]);
                break;
            case "no hops":
                open.Hops.Clear();
                break;
            case "other peer":
                open.Hops[0].Peer = ByteString.CopyFrom(new byte[32]);
                break;
            case "other blocks":
                (open.Hops[0].FirstBlock, open.Hops[0].EndBlock) = (2, 9);
                break;
            case "empty span":
                (open.Hops[0].FirstBlock, open.Hops[0].EndBlock) = (2, 2);
                break;
            case "codec":
                open.Codec = 9;
                break;
            case "points descend":
                open.RoundingPoints.Add([2, 1]);
                break;
            case "point outside":
                open.RoundingPoints.Add(5);
                break;
            case "context":
                open.MaxPositions = 257;
                break;
            case "no positions":
                open.MaxPositions = 0;
                break;
            case "need":
                open.KvNeed = 101;
                break;
            case "next hop":
                open.Hops.Add(new Hop { Peer = node.Peer.ToByteString(), Addresses = { "127.0.0.1:1" }, FirstBlock = 3, EndBlock = 4 });
                break;
            case "next address":
                open.Hops.Add(new Hop { Peer = node.Peer.ToByteString(), Addresses = { "nowhere" }, FirstBlock = 4, EndBlock = 5 });
                break;
            case "no session":
                link.Session = default;
                break;
            case "many labels":
                open.PrefixLabels.Add(Enumerable.Repeat(ByteString.CopyFrom(new byte[16]), 7));
                break;
            case "long label":
                open.PrefixLabels.Add(ByteString.CopyFrom(new byte[17]));
                break;
        }

        await link.SendAsync(new LinkFrame { Open = open });
        Fault fault = await link.ReceiveFaultAsync();

        Assert.True(fault.Kind == kind, $"{fault.Kind}: {fault.Message}");
        Assert.Contains(says, fault.Message);
        Assert.Equal(0, node.Sessions);
    }

    [Theory]
    [InlineData("version", FaultKind.VersionMismatch)]
    [InlineData("purpose", FaultKind.InvalidArgument)]
    [InlineData("other frame", FaultKind.ProtocolViolation)]
    [InlineData("garbage", FaultKind.CorruptPacket)]
    public async Task Link_BadGreeting_IsRefused(string name, FaultKind kind)
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestData.Path("families/llama"), inMemory: true, new ManualTime(), new BlockSpan(0, 4));
        await using ITransport transport = cluster.NewTransport();
        RawLink link = RawLink.Open(transport, cluster.Nodes[0].Address);

        byte[] first = name switch
        {
            "version" => new LinkFrame { Hello = new Hello { Version = 99, Purpose = Purpose.Bulk } }.ToByteArray(),
            "purpose" => new LinkFrame { Hello = new Hello { Version = WireVersion.Current } }.ToByteArray(),
            "other frame" => new LinkFrame { Close = new CloseSession() }.ToByteArray(),
            _ => [0xFF, 0xFF, 0xFF],
        };
        await link.SendAsync(first);

        Assert.Equal(kind, (await link.ReceiveFaultAsync()).Kind);
    }

    [Fact]
    public async Task Link_ResultsBeforeTheClientAttaches_WaitForIt()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestData.Path("families/llama"), inMemory: true, new ManualTime(), new BlockSpan(0, 4));
        NodeHost node = cluster.Nodes[0];
        await using ITransport transport = cluster.NewTransport();
        await using RawLink forward = await RawLink.GreetAsync(transport, node.Address);
        await using RawLink back = await RawLink.GreetAsync(transport, node.Address, Purpose.Decode);
        await forward.SendAsync(new LinkFrame { Open = RawLink.Request(node) });
        await forward.ReceiveAsync(LinkFrame.BodyOneofCase.Opened);
        await forward.SendAsync(RawLink.Step(0, 0, 2, Hidden));
        await forward.ReceiveAsync(LinkFrame.BodyOneofCase.Ack);

        await back.SendAsync(new LinkFrame { Attach = new Attach() });

        Assert.Equal(0u, (uint)(await back.ReceiveAsync(LinkFrame.BodyOneofCase.Result)).Result.Number);
    }

    [Fact]
    public async Task Link_StepsByTwoLinksOutOfOrder_RunInTheOrderOfTheirNumbers()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestData.Path("families/llama"), inMemory: true, new ManualTime(), new BlockSpan(0, 4));
        NodeHost node = cluster.Nodes[0];
        await using ITransport transport = cluster.NewTransport();
        await using RawLink bulk = await RawLink.GreetAsync(transport, node.Address);
        await using RawLink decode = await RawLink.GreetAsync(transport, node.Address, Purpose.Decode);
        await bulk.OpenSessionAsync(node);

        await decode.SendAsync(RawLink.Step(1, 3, 1, Hidden));
        await decode.ReceiveAsync(LinkFrame.BodyOneofCase.Ack);
        await bulk.SendAsync(RawLink.Step(0, 0, 3, Hidden));

        Assert.Equal(0ul, (await bulk.ReceiveAsync(LinkFrame.BodyOneofCase.Result)).Result.Number);
        LinkFrame second = await bulk.ReceiveAsync(LinkFrame.BodyOneofCase.Result);
        Assert.Equal((1ul, 3u), (second.Result.Number, second.Result.Position));
    }

    private static async Task SendBadAsync(RawLink link, string name)
    {
        LinkFrame frame = RawLink.Step(1, 2, 2, Hidden);
        switch (name)
        {
            case "not protobuf":
                await link.SendAsync([0xFF, 0xFE, 0xFD, 0xFC]);
                return;
            case "wrong checksum":
                frame.Chunk.Checksum ^= 1;
                break;
            case "shape differs":
                frame.Chunk.Tokens = 3;
                break;
            case "absurd hidden":
                frame.Chunk.Hidden = int.MaxValue;
                break;
            case "absurd tokens":
                frame.Chunk.Tokens = uint.MaxValue;
                break;
            case "unknown codec":
                frame.Step.Codec = 77;
                break;
            case "unknown codec in chunk":
                frame.Chunk.Codec = 77;
                break;
            case "too many bytes":
                frame.Step.EncodedBytes += 1;
                break;
            case "bytes past the limit":
                frame.Step.EncodedBytes = ulong.MaxValue;
                break;
            case "offset in the middle":
                frame.Chunk.Offset = 16;
                frame.Chunk.Payload = ByteString.CopyFrom(frame.Chunk.Payload.Span[16..]);
                frame.Chunk.Checksum = Protocol.Packets.Checksum.Crc32C(frame.Chunk.Payload.Span);
                break;
            case "labels of no page":
                frame.Step.PrefixLabels.Add(ByteString.CopyFrom(new byte[16]));
                break;
            case "label too many":
                frame = RawLink.Step(1, 0, 64, Hidden);
                frame.Step.PrefixLabels.Add(Enumerable.Repeat(ByteString.CopyFrom(new byte[16]), 5));
                break;
            case "label too short":
                frame = RawLink.Step(1, 0, 64, Hidden);
                frame.Step.PrefixLabels.Add([.. Enumerable.Repeat(ByteString.CopyFrom(new byte[16]), 3), ByteString.CopyFrom(new byte[15])]);
                break;
            case "payload not last":
                await link.SendAsync([.. frame.Address(link.Session, 0).ToByteArray(), .. new LinkFrame { Epoch = 0, SessionLow = 1 }.ToByteArray()]);
                return;
            case "no tokens":
                frame.Step.Count = 0;
                break;
            case "too many tokens":
                frame.Step.Count = 5000;
                break;
            case "gap":
                frame.Step.Position = 7;
                break;
            case "over the lease":
                frame.Step.Position = 99;
                break;
            case "position overflows":
                frame.Step.Position = uint.MaxValue;
                break;
            case "number far ahead":
                frame.Step.Number = 99999;
                break;
            case "later epoch":
                await link.SendAsync(frame, epoch: 3);
                return;
            case "chunk without step":
                frame.ClearBody();
                break;
            case "step without its packet":
                frame.Chunk = null;
                await link.SendAsync(frame);
                frame = RawLink.Step(2, 2, 2, Hidden);
                break;
            case "frame of the other way":
                frame = new LinkFrame { Result = new StepResult() };
                break;
            default:
                throw new ArgumentException(name);
        }

        await link.SendAsync(frame);
    }
}
