using Swarm.Models;
using Swarm.Node.Sessions;
using Swarm.Protocol;
using Swarm.Protocol.Links;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;
using Swarm.Testing;

namespace Swarm.Node.Tests;

/// <summary>What a hop sends to the next one when another has taken its place, or takes too little.</summary>
public sealed class HopFeedingTests : IAsyncLifetime
{
    private const int Hidden = 64;

    private SwarmCluster _cluster = null!;
    private ITransport _transport = null!;
    private RawLink _link = null!;
    private FakeHop _first = null!;
    private FakeHop _second = null!;

    private NodeHost Node => _cluster.Nodes[0];

    private SessionId Session => _link.Session;

    public async Task InitializeAsync()
    {
        _cluster = await SwarmCluster.StartAsync(TestData.Path("families/llama"), inMemory: true, new ManualTime(), new BlockSpan(0, 2));
        _first = await FakeHop.StartAsync(_cluster, 101);
        _second = await FakeHop.StartAsync(_cluster, 102);
        _transport = _cluster.NewTransport();
        _link = await RawLink.GreetAsync(_transport, Node.Address);
    }

    public async Task DisposeAsync()
    {
        await _link.DisposeAsync();
        await _transport.DisposeAsync();
        await _first.DisposeAsync();
        await _second.DisposeAsync();
        await _cluster.DisposeAsync();
    }

    [Fact]
    public async Task Opened_NextHopBeganAnew_GetsReplayedWhatIsConfirmedAndTheStepsBehindItAsTheyWere()
    {
        await OpenAsync(_first);
        FakeFrame[] sent =
        [
            await StepAsync(_first, 0, 0, 100), await StepAsync(_first, 1, 100, 50), await StepAsync(_first, 2, 150, 1, confirmed: 150),
            await StepAsync(_first, 3, 151, 1, confirmed: 150), await StepAsync(_first, 4, 152, 3, confirmed: 151),
        ];

        HopOpened own = await ReopenAsync(_second, 1, start: 0, confirmed: 151, valid: 155);
        FakeFrame[] fed = [await FedAsync(_second), await FedAsync(_second), await FedAsync(_second), await FedAsync(_second)];

        Assert.Equal((155u, true, 0u), (own.Start, own.Kept, own.Recomputed));
        Assert.Equal([(0, 128, true), (128, 23, true), (151, 1, false), (152, 3, false)], fed.Select(step => step.Stretch));
        Assert.Equal([0ul, 1, 2, 3], fed.Select(step => step.Frame.Step.Number));
        Assert.Equal([Purpose.Bulk, Purpose.Bulk], fed[..2].Select(step => step.Purpose));
        Assert.Equal(Outputs.Last, fed[2].Frame.Step.Outputs);
        Assert.Equal(sent.SelectMany(step => step.Bytes), fed.SelectMany(step => step.Bytes));
        Assert.All(fed, step => Assert.Equal((1u, 151u), (step.Frame.Epoch, step.Frame.Step.Confirmed)));
        _second.AssertNothingMore();
    }

    [Fact]
    public async Task Opened_NextHopHasAPart_GetsOnlyWhatItLacks()
    {
        await OpenAsync(_first);
        FakeFrame sent = await StepAsync(_first, 0, 0, 100);
        await StepAsync(_first, 1, 100, 50);

        await ReopenAsync(_second, 1, start: 60, confirmed: 150, valid: 150);
        FakeFrame fed = await FedAsync(_second);

        Assert.Equal((60, 90, true), fed.Stretch);
        Assert.Equal(sent.Bytes[(60 * Hidden * 4)..], fed.Bytes[..(40 * Hidden * 4)]);
        _second.AssertNothingMore();
    }

    // This hop is the replacement: it is fed from 0, the hop after it has the session already.
    [Fact]
    public async Task Step_BelowWhatTheNextHopHolds_IsComputedAndNotSentOn()
    {
        await OpenAsync(_first, epoch: 3, start: 100, kept: true, confirmed: 120);

        await _link.SendAsync(RawLink.StepAt(0, 0, 80, Hidden, 120, replay: true), epoch: 3);
        await _link.SendAsync(RawLink.StepAt(1, 80, 40, Hidden, 120, replay: true), epoch: 3);
        FakeFrame slice = await _first.ReceiveAsync(LinkFrame.BodyOneofCase.Step);
        await _link.SendAsync(RawLink.StepAt(2, 120, 1, Hidden, 120), epoch: 3);
        FakeFrame next = await _first.ReceiveAsync(LinkFrame.BodyOneofCase.Step);

        Assert.Equal((100, 20, true), slice.Stretch);
        Assert.Equal((120, 1, false), next.Stretch);
        HopTelemetry figures = next.Frame.Step.Telemetry.Single();
        Assert.Equal((121ul, 120ul, 0ul, 1ul), (figures.Tokens, figures.ReplayedTokens, figures.RecomputedTokens, figures.ForwardedDirectly));
    }

    [Fact]
    public async Task Opened_WhatTheNextHopLacksIsGoneHereToo_IsComputedAgain()
    {
        await OpenAsync(_first);
        FakeFrame first = await StepAsync(_first, 0, 0, 100);
        FakeFrame second = await StepAsync(_first, 1, 100, 50);
        NodeSession session = Node.Table.Look(Session)!;
        lock (session.Outputs!.Gate)
            session.Outputs.Lose(64);

        HopOpened own = await ReopenAsync(_second, 1, start: 10, confirmed: 150, valid: 150);
        await _link.SendAsync(RawLink.StepAt(0, 10, 140, Hidden, 150, replay: true), epoch: 1);
        FakeFrame fed = await FedAsync(_second);
        await _link.SendAsync(RawLink.StepAt(1, 150, 1, Hidden, 150), epoch: 1);
        FakeFrame next = await FedAsync(_second);

        Assert.Equal((10u, true, 140u), (own.Start, own.Kept, own.Recomputed));
        Assert.Equal((10, 140, true), fed.Stretch);
        Assert.Equal(first.Bytes.Concat(second.Bytes).Skip(10 * Hidden * 4), fed.Bytes);
        HopTelemetry figures = next.Frame.Step.Telemetry.Single();
        Assert.Equal((291ul, 140ul, 140ul), (figures.Tokens, figures.ReplayedTokens, figures.RecomputedTokens));
    }

    [Fact]
    public async Task Opened_NextHopHoldsMoreThanThisOne_NothingIsFedAndNothingComputedAgain()
    {
        await OpenAsync(_first);
        await StepAsync(_first, 0, 0, 50);

        HopOpened own = await ReopenAsync(_second, 1, start: 90, confirmed: 100, valid: 100);
        await _link.SendAsync(RawLink.StepAt(0, 50, 50, Hidden, 100, replay: true), epoch: 1);
        FakeFrame fed = await FedAsync(_second);

        Assert.Equal((50u, 0u), (own.Start, own.Recomputed));
        Assert.Equal((90, 10, true), fed.Stretch);
    }

    [Fact]
    public async Task Step_NextHopAcknowledgesNothing_WaitsAmongTheRetainedRows()
    {
        await OpenAsync(_first);
        _first.Acknowledges = false;
        const int steps = ChainLimits.MaxUnacknowledgedSteps + 10;
        for (int step = 0; step < steps; step++)
            await SendAndAckAsync((ulong)step, step, 1);
        var came = new List<FakeFrame>();
        for (int step = 0; step < ChainLimits.MaxUnacknowledgedSteps; step++)
            came.Add(await _first.ReceiveAsync(LinkFrame.BodyOneofCase.Step));
        await ComputedAsync(steps);
        _first.AssertNothingMore();
        Assert.Equal(ChainLimits.MaxUnacknowledgedSteps * Hidden * 4, Node.Table.Look(Session)!.Downstream!.MostBytesOnTheirWay);

        // One goes for each that is acknowledged.
        _first.Acknowledge(came[0]);
        came.Add(await _first.ReceiveAsync(LinkFrame.BodyOneofCase.Step));
        _first.AssertNothingMore();
        _first.Acknowledges = true;
        foreach (FakeFrame step in came[1..^1])
            _first.Acknowledge(step);
        while (came.Count < steps)
            came.Add(await _first.ReceiveAsync(LinkFrame.BodyOneofCase.Step));

        Assert.Equal(Enumerable.Range(0, steps).Select(step => (step, 1, false)), came.Select(step => step.Stretch));
        Assert.Equal(Enumerable.Range(0, steps).Select(step => (ulong)step), came.Select(step => step.Frame.Step.Number));

        // Those that waited made a detour; the next one does not.
        _first.Acknowledge(came[ChainLimits.MaxUnacknowledgedSteps]);
        FakeFrame last = await StepAsync(_first, steps, steps, 1);
        Assert.Equal(ChainLimits.MaxUnacknowledgedSteps + 1ul, last.Frame.Step.Telemetry.Single().ForwardedDirectly);
    }

    [Fact]
    public async Task Step_GoesBackOverStepsThatWait_TheyGoFirst()
    {
        await OpenAsync(_first);
        _first.Acknowledges = false;
        const int waiting = ChainLimits.MaxUnacknowledgedSteps;
        for (int step = 0; step < waiting + 2; step++)
            await SendAndAckAsync((ulong)step, step, 1);
        await _link.SendAsync(RawLink.StepAt(waiting + 2, 10, 3, Hidden, bend: 1));
        await ComputedAsync(waiting + 5);
        for (int step = 0; step < waiting; step++)
            _first.Acknowledge(await _first.ReceiveAsync(LinkFrame.BodyOneofCase.Step));

        FakeFrame[] rest = [await _first.ReceiveAsync(), await _first.ReceiveAsync(), await _first.ReceiveAsync()];

        Assert.Equal([(waiting, 1, false), (waiting + 1, 1, false), (10, 3, false)], rest.Select(step => step.Stretch));
    }

    [Fact]
    public async Task Step_EveryOneAcknowledged_AllGoDirectly()
    {
        await OpenAsync(_first);
        FakeFrame last = null!;
        for (int step = 0; step < 100; step++)
            last = await StepAsync(_first, (ulong)step, step, 1);

        Assert.Equal((100ul, 100ul), (last.Frame.Step.Telemetry.Single().ForwardedDirectly, last.Frame.Step.Telemetry.Single().Tokens));
    }

    [Fact]
    public async Task Leaving_OfAHopBelow_ReachesTheClientWithItsName()
    {
        await OpenAsync(_first);

        _first.Send(new LinkFrame { Leaving = new Leaving { RemainingMilliseconds = 700 } }, Session, 0);

        Leaving leaving = (await _link.ReceiveAsync(LinkFrame.BodyOneofCase.Leaving)).Leaving;
        Assert.Equal((_first.Hop(2, 4).Peer, 700u), (leaving.Peer, leaving.RemainingMilliseconds));
        await StepAsync(_first, 0, 0, 4);
    }

    [Fact]
    public async Task Fault_NextHopIsLost_IsToldAndTheSessionStays()
    {
        await OpenAsync(_first);
        await StepAsync(_first, 0, 0, 4);

        await _first.DisposeAsync();
        Fault fault = await _link.ReceiveFaultAsync();
        // Dropped in silence.
        await _link.SendAsync(RawLink.StepAt(1, 4, 1, Hidden));
        HopOpened own = await ReopenAsync(_second, 1, start: 0, confirmed: 4, valid: 5);
        FakeFrame fed = await FedAsync(_second);

        Assert.Equal((FaultKind.PeerLost, _first.Hop(2, 4).Peer, 2u, 4u), (fault.Kind, fault.Peer, fault.FirstBlock, fault.EndBlock));
        Assert.Equal((4u, true), (own.Start, own.Kept));
        Assert.Equal((0, 4, true), fed.Stretch);
    }

    [Fact]
    public async Task Open_AnotherNextHop_TheOneLeftOutIsSuspended()
    {
        await OpenAsync(_first);
        await StepAsync(_first, 0, 0, 4);

        await ReopenAsync(_second, 1, start: 4, confirmed: 4, valid: 4);
        FakeFrame told = await _first.ReceiveAsync(LinkFrame.BodyOneofCase.Suspend);
        await ReopenAsync(_second, 2, start: 4, confirmed: 4, valid: 4);

        Assert.Equal(0u, told.Frame.Epoch);
        _first.AssertNothingMore();
        _second.AssertNothingMore();
    }

    private OpenSession Request(FakeHop next, int confirmed = 0, int valid = 0)
    {
        OpenSession open = RawLink.Request(Node);
        open.MaxPositions = 256;
        (open.Confirmed, open.Valid) = ((uint)confirmed, (uint)valid);
        open.Hops.Add(next.Hop(2, 4));
        return open;
    }

    private async Task OpenAsync(FakeHop next, uint epoch = 0, int start = 0, bool kept = false, int confirmed = 0)
    {
        await _link.SendAsync(new LinkFrame { Open = Request(next, confirmed, confirmed) }, epoch: epoch);
        FakeFrame asked = await next.ReceiveAsync(LinkFrame.BodyOneofCase.Open);
        Assert.Equal((epoch, 1), (asked.Frame.Epoch, asked.Frame.Open.Hops.Count));
        next.SayOpened(Session, epoch, start, kept);
        LinkFrame opened = await _link.ReceiveAsync(LinkFrame.BodyOneofCase.Opened);
        Assert.Equal((0u, false, kept), (opened.Opened.Hops[0].Start, opened.Opened.Hops[0].Kept, opened.Opened.Hops[1].Kept));
    }

    // What this hop says of itself once the next one has said from where it is to be fed.
    private async Task<HopOpened> ReopenAsync(FakeHop next, uint epoch, int start, int confirmed, int valid)
    {
        await _link.SendAsync(new LinkFrame { Open = Request(next, confirmed, valid) }, epoch: epoch);
        FakeFrame asked = await next.ReceiveAsync(LinkFrame.BodyOneofCase.Open);
        Assert.Equal((epoch, (uint)confirmed, (uint)valid), (asked.Frame.Epoch, asked.Frame.Open.Confirmed, asked.Frame.Open.Valid));
        next.SayOpened(Session, epoch, start, kept: start > 0);
        return (await _link.ReceiveAsync(LinkFrame.BodyOneofCase.Opened)).Opened.Hops[0];
    }

    private async Task SendAndAckAsync(ulong number, int position, int count)
    {
        await _link.SendAsync(RawLink.StepAt(number, position, count, Hidden));
        await _link.ReceiveAsync(LinkFrame.BodyOneofCase.Ack);
    }

    private async Task<FakeFrame> StepAsync(FakeHop next, ulong number, int position, int count, int confirmed = 0)
    {
        await _link.SendAsync(RawLink.StepAt(number, position, count, Hidden, confirmed));
        FakeFrame step = await next.ReceiveAsync(LinkFrame.BodyOneofCase.Step);
        Assert.Equal((position, count, false), step.Stretch);
        return step;
    }

    private static Task<FakeFrame> FedAsync(FakeHop next) => next.ReceiveAsync(LinkFrame.BodyOneofCase.Step);

    // A pass takes the next step of every session: when another session has had as many as this one has sent, this one's are done.
    private async Task ComputedAsync(int tokens)
    {
        SessionId before = _link.Session;
        await using RawLink other = await RawLink.GreetAsync(_transport, Node.Address);
        other.Session = new SessionId(77, 88);
        OpenSession open = RawLink.Request(Node);
        await other.SendAsync(new LinkFrame { Open = open });
        await other.ReceiveAsync(LinkFrame.BodyOneofCase.Opened);
        await other.SendAsync(new LinkFrame { Attach = new Attach() });
        for (int step = 0; step < tokens; step++)
        {
            await other.SendAsync(RawLink.StepAt((ulong)step, 0, 1, Hidden));
            await other.ReceiveAsync(LinkFrame.BodyOneofCase.Result);
        }

        NodeSession session = Node.Table.Look(before)!;
        Assert.Equal((ulong)tokens, session.Tokens);
    }
}
