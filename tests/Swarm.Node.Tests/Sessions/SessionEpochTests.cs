using Swarm.Models;
using Swarm.Node.Sessions;
using Swarm.Protocol;
using Swarm.Protocol.Links;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;
using Swarm.Testing;

namespace Swarm.Node.Tests;

/// <summary>A session at the last hop that goes on under a later epoch: what is kept, what is dropped, what is sent again.</summary>
public sealed class SessionEpochTests : IAsyncLifetime
{
    private const int Hidden = 64;

    private SwarmCluster _cluster = null!;
    private ITransport _transport = null!;
    private RawLink _link = null!;

    private NodeHost Node => _cluster.Nodes[0];

    public async Task InitializeAsync()
    {
        _cluster = await SwarmCluster.StartAsync(TestData.Path("families/llama"), inMemory: true, new ManualTime(), new BlockSpan(0, 4));
        _transport = _cluster.NewTransport();
        _link = await RawLink.GreetAsync(_transport, Node.Address);
        await _link.OpenSessionAsync(Node);
    }

    public async Task DisposeAsync()
    {
        await _link.DisposeAsync();
        await _transport.DisposeAsync();
        await _cluster.DisposeAsync();
    }

    [Fact]
    public async Task Open_LaterEpoch_KeepsTheCacheAndGoesOn()
    {
        await ResultAsync(0, RawLink.StepAt(0, 0, 10, Hidden));
        LinkFrame expected = await ResultAsync(0, RawLink.StepAt(1, 10, 2, Hidden, confirmed: 10));

        HopOpened own = await ReopenAsync(1, confirmed: 12, valid: 12);
        await _link.SendAsync(RawLink.StepAt(0, 10, 2, Hidden, confirmed: 10), epoch: 1);
        LinkFrame again = await _link.ReceiveAsync(LinkFrame.BodyOneofCase.Result);

        Assert.Equal((12u, true, 0u), (own.Start, own.Kept, own.Recomputed));
        Assert.Equal(expected.Chunk.Payload, again.Chunk.Payload);
        Assert.Equal((1u, 14ul, 0ul), (again.Epoch, again.Result.Telemetry[0].Tokens, again.Result.Telemetry[0].RecomputedTokens));
    }

    [Fact]
    public async Task Open_LaterEpoch_SendsTheResultsAgainThatTheClientLacks()
    {
        await ResultAsync(0, RawLink.StepAt(0, 0, 10, Hidden));
        LinkFrame[] sent = [await ResultAsync(0, RawLink.StepAt(1, 10, 1, Hidden, confirmed: 10)), await ResultAsync(0, RawLink.StepAt(2, 11, 2, Hidden, confirmed: 10))];

        HopOpened own = await ReopenAsync(2, confirmed: 10, valid: 13);
        LinkFrame[] again = [await _link.ReceiveAsync(LinkFrame.BodyOneofCase.Result), await _link.ReceiveAsync(LinkFrame.BodyOneofCase.Result)];

        Assert.Equal((13u, 0u), (own.Start, own.Recomputed));
        Assert.Equal([(2u, 10u, 1u), (2u, 11u, 2u)], again.Select(frame => (frame.Epoch, frame.Result.Position, frame.Result.Count)));
        Assert.Equal(sent.Select(frame => frame.Chunk.Payload), again.Select(frame => frame.Chunk.Payload));
    }

    [Fact]
    public async Task Open_ResultIsNotThereAnyMore_ItsStepIsComputedAgain()
    {
        await ResultAsync(0, RawLink.StepAt(0, 0, 10, Hidden));
        LinkFrame expected = await ResultAsync(0, RawLink.StepAt(1, 10, 1, Hidden, confirmed: 10));
        NodeSession session = Node.Table.Look(_link.Session)!;
        lock (session.Results!.Gate)
            session.Results.Truncate(10);

        HopOpened own = await ReopenAsync(1, confirmed: 10, valid: 11);
        LinkFrame again = await ResultAsync(1, RawLink.StepAt(0, 10, 1, Hidden, confirmed: 10));

        Assert.Equal((10u, true, 1u), (own.Start, own.Kept, own.Recomputed));
        Assert.Equal(expected.Chunk.Payload, again.Chunk.Payload);
        Assert.Equal(1ul, again.Result.Telemetry[0].RecomputedTokens);
    }

    [Fact]
    public async Task Open_ClientIsAboutToGoBack_NothingAboveCounts()
    {
        await ResultAsync(0, RawLink.StepAt(0, 0, 10, Hidden));
        await ResultAsync(0, RawLink.StepAt(1, 10, 5, Hidden, confirmed: 10));

        HopOpened own = await ReopenAsync(1, confirmed: 8, valid: 8);
        LinkFrame result = await ResultAsync(1, RawLink.StepAt(0, 8, 2, Hidden, confirmed: 8, bend: 1));

        Assert.Equal((8u, true, 0u), (own.Start, own.Kept, own.Recomputed));
        Assert.Equal((8u, 2u, 0ul), (result.Result.Position, result.Result.Count, result.Result.Telemetry[0].RecomputedTokens));
    }

    [Fact]
    public async Task Step_ReplayedAtTheLastHop_GivesNoResultAndTheSameBitsAfter()
    {
        await ResultAsync(0, RawLink.StepAt(0, 0, 20, Hidden));
        LinkFrame expected = await ResultAsync(0, RawLink.StepAt(1, 20, 1, Hidden, confirmed: 20));
        await using RawLink other = await RawLink.GreetAsync(_transport, Node.Address);
        other.Session = new SessionId(5, 6);
        OpenSession open = RawLink.Request(Node);
        (open.Confirmed, open.Valid) = (20, 21);
        await other.SendAsync(new LinkFrame { Attach = new Attach() }, epoch: 4);
        await other.SendAsync(new LinkFrame { Open = open }, epoch: 4);
        Assert.Equal((0u, false), Start((await other.ReceiveAsync(LinkFrame.BodyOneofCase.Opened)).Opened.Hops[0]));

        await other.SendAsync(RawLink.StepAt(0, 0, 7, Hidden, confirmed: 20, replay: true), epoch: 4);
        await other.SendAsync(RawLink.StepAt(1, 7, 13, Hidden, confirmed: 20, replay: true), epoch: 4);
        await other.SendAsync(RawLink.StepAt(2, 20, 1, Hidden, confirmed: 20), epoch: 4);
        LinkFrame result = await other.ReceiveAsync(LinkFrame.BodyOneofCase.Result);

        Assert.Equal((2ul, 20u), (result.Result.Number, result.Result.Position));
        Assert.Equal(expected.Chunk.Payload, result.Chunk.Payload);
        Assert.Equal((21ul, 20ul, 1ul), (result.Result.Telemetry[0].Tokens, result.Result.Telemetry[0].ReplayedTokens, result.Result.Telemetry[0].ForwardedDirectly));
    }

    [Fact]
    public async Task Step_EarlierEpoch_IsRefusedByNameAndTheSessionGoesOn()
    {
        await ResultAsync(0, RawLink.StepAt(0, 0, 3, Hidden));
        await ReopenAsync(2, confirmed: 3, valid: 3);

        await _link.SendAsync(RawLink.StepAt(1, 3, 1, Hidden), epoch: 0);
        LinkFrame refused = await _link.ReceiveAsync(LinkFrame.BodyOneofCase.Fault);
        await ResultAsync(2, RawLink.StepAt(0, 3, 1, Hidden));

        Assert.Equal((0u, FaultKind.StaleEpoch, "epoch: 0, the session is at 2"), (refused.Epoch, refused.Fault.Kind, refused.Fault.Message));
    }

    [Theory]
    [InlineData(1u)]
    [InlineData(0u)]
    public async Task Open_EarlierEpoch_IsRefusedByName(uint epoch)
    {
        await ReopenAsync(2, 0, 0);

        await _link.SendAsync(new LinkFrame { Open = RawLink.Request(Node) }, epoch: epoch);
        Fault fault = await _link.ReceiveFaultAsync();

        Assert.Equal((FaultKind.StaleEpoch, $"epoch: {epoch}, the session was at 2"), (fault.Kind, fault.Message));
        await ResultAsync(2, RawLink.StepAt(0, 0, 1, Hidden));
    }

    [Fact]
    public async Task Open_SameEpochAgain_IsPassedOver()
    {
        await ResultAsync(0, RawLink.StepAt(0, 0, 3, Hidden));

        await _link.SendAsync(new LinkFrame { Open = RawLink.Request(Node) });

        Assert.Equal(4ul, (await ResultAsync(0, RawLink.StepAt(1, 3, 1, Hidden))).Result.Telemetry[0].Tokens);
    }

    [Fact]
    public async Task Open_OtherBlocks_BeginsAnew()
    {
        await ResultAsync(0, RawLink.StepAt(0, 0, 3, Hidden));
        OpenSession open = RawLink.Request(Node);
        open.Hops[0].FirstBlock = 1;
        (open.Confirmed, open.Valid) = (3, 3);

        await _link.SendAsync(new LinkFrame { Open = open }, epoch: 1);
        HopOpened own = (await _link.ReceiveAsync(LinkFrame.BodyOneofCase.Opened)).Opened.Hops[0];

        Assert.Equal((0u, false), Start(own));
        await _cluster.Events[0].WaitAsync(seen => seen.OfType<NodeSessionClosed>().Count() == 1, "end of the session before");
        Assert.Equal(1, Node.Sessions);
    }

    [Fact]
    public async Task Open_ClosedSession_NeedsALaterEpoch()
    {
        await _link.SendAsync(new LinkFrame { Close = new CloseSession() }, epoch: 3);
        await _cluster.WaitUntilIdleAsync();

        await _link.SendAsync(new LinkFrame { Open = RawLink.Request(Node) }, epoch: 3);
        Assert.Equal(FaultKind.StaleEpoch, (await _link.ReceiveFaultAsync()).Kind);

        Assert.Equal((0u, false), Start(await ReopenAsync(4, 0, 0)));
    }

    [Fact]
    public async Task Close_EarlierEpoch_IsPassedOver()
    {
        await ResultAsync(0, RawLink.StepAt(0, 0, 3, Hidden));
        await ReopenAsync(1, 3, 3);

        await _link.SendAsync(new LinkFrame { Close = new CloseSession() }, epoch: 0);

        await ResultAsync(1, RawLink.StepAt(0, 3, 1, Hidden));
        Assert.Equal(1, Node.Sessions);
    }

    [Fact]
    public async Task Close_LaterEpochByAnyLink_EndsAHopThatWasLeft()
    {
        await using RawLink direct = await RawLink.GreetAsync(_transport, Node.Address, Purpose.Decode);

        await direct.SendAsync(new LinkFrame { Close = new CloseSession() }, epoch: 5);

        await _cluster.WaitUntilIdleAsync();
        Assert.Equal((0, 0L), (Node.Sessions, Node.CacheBytesUsed));
    }

    [Fact]
    public async Task Step_NumberAgain_IsAcknowledgedAgainAndDropped()
    {
        await ResultAsync(0, RawLink.StepAt(0, 0, 3, Hidden));

        await _link.SendAsync(RawLink.StepAt(0, 0, 3, Hidden));
        LinkFrame again = await _link.ReceiveAsync(LinkFrame.BodyOneofCase.Ack);
        LinkFrame next = await ResultAsync(0, RawLink.StepAt(1, 3, 1, Hidden));

        Assert.Equal(0ul, again.Ack.Number);
        Assert.Equal((3u, 4ul), (next.Result.Position, next.Result.Telemetry[0].Tokens));
    }

    [Fact]
    public async Task Step_AfterACorruptOne_IsDroppedUntilTheNextEpoch()
    {
        await ResultAsync(0, RawLink.StepAt(0, 0, 3, Hidden));
        LinkFrame expected = await ResultAsync(0, RawLink.StepAt(1, 3, 1, Hidden));
        LinkFrame corrupt = RawLink.StepAt(2, 3, 1, Hidden);
        corrupt.Chunk.Checksum ^= 1;

        await _link.SendAsync(corrupt);
        Assert.Equal(FaultKind.CorruptPacket, (await _link.ReceiveFaultAsync()).Kind);
        await _link.SendAsync(RawLink.StepAt(3, 4, 1, Hidden));
        HopOpened own = await ReopenAsync(1, confirmed: 4, valid: 4);
        LinkFrame result = await ResultAsync(1, RawLink.StepAt(0, 3, 1, Hidden));

        Assert.Equal((4u, true), Start(own));
        Assert.Equal(expected.Chunk.Payload, result.Chunk.Payload);
    }

    [Fact]
    public async Task Attach_ByANewLink_GetsWhatTheOldOneMayHaveLost()
    {
        await ResultAsync(0, RawLink.StepAt(0, 0, 3, Hidden));
        LinkFrame sent = await ResultAsync(0, RawLink.StepAt(1, 3, 1, Hidden, confirmed: 3));
        await using RawLink other = await RawLink.GreetAsync(_transport, Node.Address);

        await other.SendAsync(new LinkFrame { Attach = new Attach() });
        LinkFrame again = await other.ReceiveAsync(LinkFrame.BodyOneofCase.Result);

        Assert.Equal(3u, again.Result.Position);
        Assert.Equal(sent.Chunk.Payload, again.Chunk.Payload);
    }

    // What is stored may be of positions that the client has gone back from: only the epoch says what counts.
    [Fact]
    public async Task Attach_ForALaterEpoch_GetsNothingBeforeThatEpochIsHere()
    {
        await ResultAsync(0, RawLink.StepAt(0, 0, 3, Hidden));
        await ResultAsync(0, RawLink.StepAt(1, 3, 1, Hidden, confirmed: 3));
        await using RawLink other = await RawLink.GreetAsync(_transport, Node.Address);

        await other.SendAsync(new LinkFrame { Attach = new Attach() }, epoch: 1);
        OpenSession open = RawLink.Request(Node);
        (open.Confirmed, open.Valid) = (3, 3);
        await other.SendAsync(new LinkFrame { Open = open }, epoch: 1);

        // Would a result have been sent, it would be first.
        LinkFrame first = await other.ReceiveAsync();
        Assert.Equal((LinkFrame.BodyOneofCase.Opened, 3u), (first.BodyCase, first.Opened.Hops[0].Start));
        await other.SendAsync(RawLink.StepAt(0, 3, 1, Hidden, confirmed: 3, bend: 1), epoch: 1);
        Assert.Equal(1u, (await other.ReceiveAsync(LinkFrame.BodyOneofCase.Result)).Epoch);
    }

    [Fact]
    public async Task Step_ClientConfirmsNothing_KeepsABoundedNumberOfResults()
    {
        for (int step = 0; step < ChainLimits.MaxStoredResults + 20; step++)
            await ResultAsync(0, RawLink.StepAt((ulong)step, step % 90, 1, Hidden));
        NodeSession session = Node.Table.Look(_link.Session)!;

        lock (session.Results!.Gate)
            Assert.InRange(session.Results.Count, 1, 90);
    }

    private static (uint Start, bool Kept) Start(HopOpened hop) => (hop.Start, hop.Kept);

    private async Task<HopOpened> ReopenAsync(uint epoch, int confirmed, int valid)
    {
        OpenSession open = RawLink.Request(Node);
        (open.Confirmed, open.Valid) = ((uint)confirmed, (uint)valid);
        await _link.SendAsync(new LinkFrame { Open = open }, epoch: epoch);
        LinkFrame opened = await _link.ReceiveAsync(LinkFrame.BodyOneofCase.Opened);
        Assert.Equal(epoch, opened.Epoch);
        return opened.Opened.Hops.Single();
    }

    private async Task<LinkFrame> ResultAsync(uint epoch, LinkFrame step)
    {
        await _link.SendAsync(step, epoch: epoch);
        LinkFrame result = await _link.ReceiveAsync(LinkFrame.BodyOneofCase.Result);
        Assert.Equal((epoch, step.Step.Position, step.Step.Count), (result.Epoch, result.Result.Position, result.Result.Count));
        return result;
    }
}
