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

    // Of the first 16, 32, … 192 positions.
    private static readonly ByteString[] Labels = [.. Enumerable.Range(1, 12).Select(Label)];

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
        Assert.Equal(Labels[..9], sent.Frame.Step.PrefixLabels);

        FakeFrame asked = await AskAsync(Labels);
        Assert.Equal(Labels[..9], asked.Frame.Open.PrefixLabels);
        _next.SayOpened(_link.Session, 0, start: 64);
        HopOpened own = (await _link.ReceiveAsync(LinkFrame.BodyOneofCase.Opened)).Opened.Hops[0];
        FakeFrame fed = await _next.ReceiveAsync(LinkFrame.BodyOneofCase.Step);

        Assert.Equal((144u, false, 0u), (own.Start, own.Kept, own.Recomputed));
        Assert.Equal((64, 80, true), fed.Stretch);
        Assert.Equal(sent.Bytes[(64 * Hidden * 4)..(144 * Hidden * 4)], fed.Bytes);
        Assert.Equal(Labels[4..9], fed.Frame.Step.PrefixLabels);

        // What follows is computed on what was skipped: the same bits as then.
        await _link.SendAsync(RawLink.StepAt(0, 144, 10, Hidden));
        FakeFrame more = await _next.ReceiveAsync(LinkFrame.BodyOneofCase.Step);
        Assert.Equal((144, 10, false), more.Stretch);
        Assert.Equal(sent.Bytes[(144 * Hidden * 4)..], more.Bytes);
        HopTelemetry figures = more.Frame.Step.Telemetry[0];
        Assert.Equal((144ul, 10ul, 0ul), (figures.PrefixTokens, figures.Tokens, figures.RecomputedTokens));
        _next.AssertNothingMore();
    }

    [Fact]
    public async Task Open_RoomForLessPromisedOrAnotherText_StartsWithinWhatIsCommon()
    {
        await LeavePagesAsync();

        FakeFrame asked = await AskAsync(Labels, need: 100);
        Assert.Equal(Labels[..6], asked.Frame.Open.PrefixLabels);
        _next.SayOpened(_link.Session, 0);
        await _link.ReceiveAsync(LinkFrame.BodyOneofCase.Opened);
        await _next.ReceiveAsync(LinkFrame.BodyOneofCase.Step);
        await CloseAsync();

        Assert.Equal(Labels[..5], (await AskAsync([.. Labels[..5], .. Enumerable.Range(70, 7).Select(Label)])).Frame.Open.PrefixLabels);
    }

    [Fact]
    public async Task Open_UnknownBeginningOrAnotherClient_StartsAtZeroAndTellsTheNextHopNothing()
    {
        await LeavePagesAsync();

        Assert.Empty((await AskAsync([Label(99), Label(98)])).Frame.Open.PrefixLabels);

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
        Assert.Contains("start 192, expected at most 144", fault.Message);
    }

    [Fact]
    public async Task Step_BeforeItIsKnownWhereTheSessionStarts_IsRefused()
    {
        await LeavePagesAsync();

        await AskAsync(Labels);
        await _link.SendAsync(RawLink.StepAt(0, 144, 1, Hidden));
        Fault fault = await _link.ReceiveFaultAsync();

        Assert.Equal(FaultKind.ProtocolViolation, fault.Kind);
        Assert.Contains("before the chain of epoch 0 was open", fault.Message);
    }

    [Fact]
    public async Task Step_BackIntoAPage_BothItsTextsAreFound()
    {
        FakeFrame sent = await LeavePagesAsync();
        await AskAsync(Labels);
        _next.SayOpened(_link.Session, 0, start: 144);
        await _link.ReceiveAsync(LinkFrame.BodyOneofCase.Opened);
        ByteString[] others = [.. Labels[..6], Label(88), Label(89)];
        LinkFrame bent = RawLink.StepAt(0, 100, 28, Hidden, bend: 0.5f);
        bent.Step.PrefixLabels.Add(others[6..]);
        await _link.SendAsync(bent);
        FakeFrame other = await _next.ReceiveAsync(LinkFrame.BodyOneofCase.Step);
        Assert.NotEqual(sent.Bytes[(100 * Hidden * 4)..(128 * Hidden * 4)], other.Bytes);
        await CloseAsync();

        foreach ((ByteString[] labels, List<byte> rows) in new[] { (Labels[..8], sent.Bytes[(100 * Hidden * 4)..(128 * Hidden * 4)]), (others, other.Bytes) })
        {
            FakeFrame asked = await AskAsync(labels);
            Assert.Equal(labels, asked.Frame.Open.PrefixLabels);
            _next.SayOpened(_link.Session, 0, start: 0);
            await _link.ReceiveAsync(LinkFrame.BodyOneofCase.Opened);
            FakeFrame fed = await _next.ReceiveAsync(LinkFrame.BodyOneofCase.Step);
            Assert.Equal((0, 128, true), fed.Stretch);
            Assert.Equal(sent.Bytes[..(100 * Hidden * 4)], fed.Bytes[..(100 * Hidden * 4)]);
            Assert.Equal(rows, fed.Bytes[(100 * Hidden * 4)..]);
            await CloseAsync();
        }
    }

    private static ByteString Label(int value)
    {
        byte[] bytes = new byte[ChainLimits.LabelBytes];
        bytes.AsSpan().Fill((byte)value);
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
    private async Task<FakeFrame> LeavePagesAsync()
    {
        await AskAsync([]);
        _next.SayOpened(_link.Session, 0);
        await _link.ReceiveAsync(LinkFrame.BodyOneofCase.Opened);
        LinkFrame step = RawLink.StepAt(0, 0, 154, Hidden);
        step.Step.PrefixLabels.Add(Labels[..9]);
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
