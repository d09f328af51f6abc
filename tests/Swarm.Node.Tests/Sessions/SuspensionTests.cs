using Swarm.Models;
using Swarm.Protocol;
using Swarm.Protocol.Links;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;
using Swarm.Testing;

namespace Swarm.Node.Tests;

/// <summary>Sessions whose way to the client is broken: kept for a while, longer when the client says so, then gone with all they held.</summary>
public sealed class SuspensionTests : IAsyncLifetime
{
    private const int Hidden = 64;

    private readonly ManualTime _time = new();
    private SwarmCluster _cluster = null!;
    private ITransport _transport = null!;
    private RawLink _link = null!;
    private RawLink _client = null!;
    private FakeHop _next = null!;
    private long _free;

    private NodeHost Node => _cluster.Nodes[1];

    public async Task InitializeAsync()
    {
        _cluster = await SwarmCluster.StartAsync(TestData.Path("families/llama"), inMemory: true, new BlockSpan(0, 4));
        await _cluster.AddAsync(_cluster.OptionsFor(new BlockSpan(0, 2)) with { Time = _time });
        _next = await FakeHop.StartAsync(_cluster, 101);
        _transport = _cluster.NewTransport();
        _client = await RawLink.GreetAsync(_transport, Node.Address, Purpose.Decode);
        _link = await RawLink.GreetAsync(_transport, Node.Address);
        _free = Node.CacheTokensFree;
        await OpenAsync(_link, 0);
        await _link.SendAsync(RawLink.StepAt(0, 0, 5, Hidden));
        await _next.ReceiveAsync(LinkFrame.BodyOneofCase.Step);
    }

    public async Task DisposeAsync()
    {
        await _link.DisposeAsync();
        await _client.DisposeAsync();
        await _transport.DisposeAsync();
        await _next.DisposeAsync();
        await _cluster.DisposeAsync();
    }

    [Fact]
    public async Task Hold_LinkClosedAndNobodyAsks_FreesTheLease()
    {
        Assert.True(Node.CacheTokensFree < _free);

        await _link.DisposeAsync();
        FakeFrame told = await _next.ReceiveAsync(LinkFrame.BodyOneofCase.Suspend);
        _time.Advance(ChainTiming.Hold - TimeSpan.FromSeconds(0.01));
        Assert.Equal(1, Node.Sessions);
        _time.Advance(TimeSpan.FromSeconds(0.3));
        await ClosedAsync();

        Assert.Equal(0u, told.Frame.Epoch);
        _next.AssertNothingMore();
        Assert.Equal((0, 0L, _free), (Node.Sessions, Node.CacheBytesUsed, Node.CacheTokensFree));
    }

    [Fact]
    public async Task KeepAlive_OfASuspendedSession_KeepsItForAnotherHold()
    {
        await _link.DisposeAsync();
        await _next.ReceiveAsync(LinkFrame.BodyOneofCase.Suspend);
        for (int second = 0; second < 6; second++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await KeepAsync();
        }

        Assert.Equal(1, Node.Sessions);
        _time.Advance(ChainTiming.Hold + TimeSpan.FromSeconds(0.3));
        await ClosedAsync();
    }

    [Fact]
    public async Task Open_OfASuspendedSession_GoesOnWhereItWas()
    {
        await _link.DisposeAsync();
        await _next.ReceiveAsync(LinkFrame.BodyOneofCase.Suspend);
        _time.Advance(TimeSpan.FromSeconds(1));

        HopOpened own = await OpenAsync(_client, 1, confirmed: 5);
        _time.Advance(ChainTiming.Hold + TimeSpan.FromSeconds(0.5));
        await _client.SendAsync(RawLink.StepAt(0, 5, 1, Hidden, confirmed: 5), epoch: 1);
        FakeFrame step = await _next.ReceiveAsync(LinkFrame.BodyOneofCase.Step);

        Assert.Equal((5u, true), (own.Start, own.Kept));
        Assert.Equal((1u, 5, 1), (step.Frame.Epoch, step.Stretch.Position, step.Stretch.Count));
    }

    [Fact]
    public async Task Suspend_FromTheHopBefore_GoesOnAndStepsAreDropped()
    {
        await _link.SendAsync(new LinkFrame { Suspend = new Suspend() });
        await _next.ReceiveAsync(LinkFrame.BodyOneofCase.Suspend);

        await _link.SendAsync(RawLink.StepAt(1, 5, 1, Hidden));
        await KeepAsync(_link);
        _next.AssertNothingMore();
        _time.Advance(ChainTiming.Hold + TimeSpan.FromSeconds(0.3));
        await ClosedAsync();
    }

    [Fact]
    public async Task Suspend_OfAnEarlierEpoch_IsPassedOver()
    {
        await OpenAsync(_client, 1, confirmed: 5);

        await _link.SendAsync(new LinkFrame { Suspend = new Suspend() });
        await _link.DisposeAsync();
        _time.Advance(ChainTiming.Hold + TimeSpan.FromSeconds(0.5));
        await _client.SendAsync(RawLink.StepAt(0, 5, 1, Hidden, confirmed: 5), epoch: 1);

        await _next.ReceiveAsync(LinkFrame.BodyOneofCase.Step);
    }

    [Fact]
    public async Task StopAsync_SessionRuns_TheClientHearsOfItFirst()
    {
        Task stopping = Node.StopAsync(TimeSpan.FromSeconds(3));

        Leaving leaving = (await _link.ReceiveAsync(LinkFrame.BodyOneofCase.Leaving)).Leaving;
        await _link.SendAsync(RawLink.StepAt(1, 5, 1, Hidden));
        await _next.ReceiveAsync(LinkFrame.BodyOneofCase.Step);
        // Another hop may be replaced meanwhile; whoever opened the epoch hears of the leaving as well.
        await OpenAsync(_client, 1, confirmed: 6);
        Leaving again = (await _client.ReceiveAsync(LinkFrame.BodyOneofCase.Leaving)).Leaving;
        await _client.SendAsync(new LinkFrame { Close = new CloseSession() }, epoch: 1);
        await stopping;

        Assert.Equal((true, 3000u), (leaving.Peer.IsEmpty, leaving.RemainingMilliseconds));
        Assert.True(again.Peer.IsEmpty);
    }

    // What the hops below hold is what another in this one's place needs not compute again.
    [Fact]
    public async Task StopAsync_SessionsLeft_TheHopsBelowKeepTheirs()
    {
        await Node.StopAsync(TimeSpan.Zero);

        await _next.ReceiveAsync(LinkFrame.BodyOneofCase.Suspend);
        Assert.Equal(FaultKind.Draining, (await _link.ReceiveFaultAsync()).Kind);
        _next.AssertNothingMore();
    }

    private Task ClosedAsync() => _cluster.Events[1].WaitUntilIdleAsync(1);

    // A frame behind it that is answered says that it was read.
    private Task KeepAsync() => KeepAsync(_client);

    private static async Task KeepAsync(RawLink link)
    {
        await link.SendAsync(new LinkFrame { KeepAlive = new KeepAlive() });
        SessionId session = link.Session;
        link.Session = new SessionId(99, 99);
        await link.SendAsync(new LinkFrame { Step = new Step() });
        Assert.Equal(FaultKind.UnknownSession, (await link.ReceiveFaultAsync()).Kind);
        link.Session = session;
    }

    private async Task<HopOpened> OpenAsync(RawLink link, uint epoch, int confirmed = 0)
    {
        OpenSession open = RawLink.Request(Node);
        (open.Confirmed, open.Valid) = ((uint)confirmed, (uint)confirmed);
        open.Hops.Add(_next.Hop(2, 4));
        await link.SendAsync(new LinkFrame { Open = open }, epoch: epoch);
        await _next.ReceiveAsync(LinkFrame.BodyOneofCase.Open);
        _next.SayOpened(link.Session, epoch, confirmed, kept: epoch > 0);
        return (await link.ReceiveAsync(LinkFrame.BodyOneofCase.Opened)).Opened.Hops[0];
    }
}
