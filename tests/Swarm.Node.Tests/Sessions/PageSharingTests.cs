using Google.Protobuf;
using Swarm.Models;
using Swarm.Protocol;
using Swarm.Protocol.Links;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;
using Swarm.Testing;

namespace Swarm.Node.Tests;

/// <summary>A hop that has pages of an earlier session: what it says, asks of the next hop, and feeds it.</summary>
public sealed class PageSharingTests : IAsyncLifetime
{
    private const int Hidden = 64;
    private static readonly ByteString[] Labels = [Label(1), Label(2), Label(3)];

    private SwarmCluster _cluster = null!;
    private ITransport _transport = null!;
    private RawLink _link = null!;
    private FakeHop _next = null!;

    private NodeHost Node => _cluster.Nodes[0];

    public async Task InitializeAsync()
    {
        _cluster = await SwarmCluster.StartAsync(TestData.Path("families/llama"), inMemory: true, new ManualTime(), new BlockSpan(0, 2));
        _next = await FakeHop.StartAsync(_cluster, 101);
        _transport = _cluster.NewTransport();
        _link = await RawLink.GreetAsync(_transport, Node.Address);
    }

    public async Task DisposeAsync()
    {
        await _link.DisposeAsync();
        await _transport.DisposeAsync();
        await _next.DisposeAsync();
        await _cluster.DisposeAsync();
    }

    [Fact]
    public async Task Open_PagesOfAnEarlierSession_StartsAfterThemAndFeedsTheNextHopWhatItLacks()
    {
        FakeFrame sent = await LeavePagesAsync();
        Assert.Equal(Labels[..2], sent.Frame.Step.PageLabels);

        FakeFrame asked = await AskAsync(Labels);
        Assert.Equal(Labels[..2], asked.Frame.Open.PrefixLabels);
        _next.SayOpened(_link.Session, 0, start: 64);
        HopOpened own = (await _link.ReceiveAsync(LinkFrame.BodyOneofCase.Opened)).Opened.Hops[0];
        FakeFrame fed = await _next.ReceiveAsync(LinkFrame.BodyOneofCase.Step);

        Assert.Equal((128u, false, 0u), (own.Start, own.Kept, own.Recomputed));
        Assert.Equal((64, 64, true), fed.Stretch);
        Assert.Equal(sent.Bytes[(64 * Hidden * 4)..(128 * Hidden * 4)], fed.Bytes);
        Assert.Equal([Labels[1]], fed.Frame.Step.PageLabels);

        // What follows is computed on what was skipped: the same bits as then.
        await _link.SendAsync(RawLink.StepAt(0, 128, 10, Hidden));
        FakeFrame more = await _next.ReceiveAsync(LinkFrame.BodyOneofCase.Step);
        Assert.Equal((128, 10, false), more.Stretch);
        Assert.Equal(sent.Bytes[(128 * Hidden * 4)..], more.Bytes);
        HopTelemetry figures = more.Frame.Step.Telemetry[0];
        Assert.Equal((128ul, 10ul, 0ul), (figures.PrefixTokens, figures.Tokens, figures.RecomputedTokens));
        _next.AssertNothingMore();
    }

    [Fact]
    public async Task Open_RoomForLessPromised_StartsWithinIt()
    {
        await LeavePagesAsync();

        FakeFrame asked = await AskAsync(Labels, need: 100);

        Assert.Equal(Labels[..1], asked.Frame.Open.PrefixLabels);
    }

    [Fact]
    public async Task Open_UnknownBeginningOrAnotherClient_StartsAtZeroAndTellsTheNextHopNothing()
    {
        await LeavePagesAsync();

        Assert.Empty((await AskAsync([Label(9), Labels[1]])).Frame.Open.PrefixLabels);

        await using ITransport transport = _cluster.NewTransport();
        await using RawLink other = await RawLink.GreetAsync(transport, Node.Address);
        other.Session = new SessionId(5, 6);
        await other.SendAsync(new LinkFrame { Open = Request(Labels, 200) });
        Assert.Empty((await _next.ReceiveAsync(LinkFrame.BodyOneofCase.Open)).Frame.Open.PrefixLabels);
        _next.SayOpened(other.Session, 0);
        Assert.Equal(0u, (await other.ReceiveAsync(LinkFrame.BodyOneofCase.Opened)).Opened.Hops[0].Start);
    }

    [Fact]
    public async Task Open_NextHopClaimsMoreThanItWasAskedFor_IsCaughtLying()
    {
        await LeavePagesAsync();

        await AskAsync(Labels);
        _next.SayOpened(_link.Session, 0, start: 192);
        Fault fault = await _link.ReceiveFaultAsync();

        Assert.Equal((FaultKind.ProtocolViolation, _next.Hop(2, 4).Peer), (fault.Kind, fault.Peer));
        Assert.Contains("start 192, expected at most 128", fault.Message);
    }

    [Fact]
    public async Task Step_BeforeItIsKnownWhereTheSessionStarts_IsRefused()
    {
        await LeavePagesAsync();

        await AskAsync(Labels);
        await _link.SendAsync(RawLink.StepAt(0, 128, 1, Hidden));
        Fault fault = await _link.ReceiveFaultAsync();

        Assert.Equal(FaultKind.ProtocolViolation, fault.Kind);
        Assert.Contains("before the chain of epoch 0 was open", fault.Message);
    }

    [Fact]
    public async Task Step_BackIntoAPage_ThatPageIsFoundUnderItsOldAndItsNewName()
    {
        FakeFrame sent = await LeavePagesAsync(bend: 0);
        await AskAsync(Labels);
        _next.SayOpened(_link.Session, 0, start: 128);
        await _link.ReceiveAsync(LinkFrame.BodyOneofCase.Opened);
        LinkFrame bent = RawLink.StepAt(0, 100, 28, Hidden, bend: 0.5f);
        bent.Step.PageLabels.Add(Labels[2]);
        await _link.SendAsync(bent);
        FakeFrame other = await _next.ReceiveAsync(LinkFrame.BodyOneofCase.Step);
        Assert.NotEqual(sent.Bytes[(100 * Hidden * 4)..(128 * Hidden * 4)], other.Bytes);
        await CloseAsync();

        foreach ((ByteString second, List<byte> rows) in new[] { (Labels[1], sent.Bytes[(100 * Hidden * 4)..(128 * Hidden * 4)]), (Labels[2], other.Bytes) })
        {
            FakeFrame asked = await AskAsync([Labels[0], second]);
            Assert.Equal(2, asked.Frame.Open.PrefixLabels.Count);
            _next.SayOpened(_link.Session, 0, start: 0);
            await _link.ReceiveAsync(LinkFrame.BodyOneofCase.Opened);
            FakeFrame fed = await _next.ReceiveAsync(LinkFrame.BodyOneofCase.Step);
            Assert.Equal((0, 128, true), fed.Stretch);
            Assert.Equal(sent.Bytes[..(100 * Hidden * 4)], fed.Bytes[..(100 * Hidden * 4)]);
            Assert.Equal(rows, fed.Bytes[(100 * Hidden * 4)..]);
            await CloseAsync();
        }
    }

    private static ByteString Label(byte value)
    {
        byte[] bytes = new byte[ChainLimits.PageLabelBytes];
        bytes.AsSpan().Fill(value);
        return ByteString.CopyFrom(bytes);
    }

    private OpenSession Request(ByteString[] labels, int need)
    {
        OpenSession open = RawLink.Request(Node);
        (open.MaxPositions, open.KvNeed) = (256, (uint)need);
        open.PrefixLabels.Add(labels);
        open.Hops.Add(_next.Hop(2, 4));
        return open;
    }

    // Asks for the session; what the next hop is asked for.
    private async Task<FakeFrame> AskAsync(ByteString[] labels, int need = 200)
    {
        await _link.SendAsync(new LinkFrame { Open = Request(labels, need) });
        return await _next.ReceiveAsync(LinkFrame.BodyOneofCase.Open);
    }

    // A session of two full pages and a part, which has ended.
    private async Task<FakeFrame> LeavePagesAsync(float bend = 0)
    {
        await AskAsync([]);
        _next.SayOpened(_link.Session, 0);
        await _link.ReceiveAsync(LinkFrame.BodyOneofCase.Opened);
        LinkFrame step = RawLink.StepAt(0, 0, 138, Hidden, bend: bend);
        step.Step.PageLabels.Add(Labels[..2]);
        await _link.SendAsync(step);
        FakeFrame sent = await _next.ReceiveAsync(LinkFrame.BodyOneofCase.Step);
        await CloseAsync();
        return sent;
    }

    private async Task CloseAsync()
    {
        await _link.SendAsync(new LinkFrame { Close = new CloseSession() });
        await _next.ReceiveAsync(LinkFrame.BodyOneofCase.Close);
        _link.Session = new SessionId(_link.Session.High, _link.Session.Low + 1);
    }
}
