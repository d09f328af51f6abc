using Grpc.Core;
using Swarm.Protocol.Links;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;
using Swarm.Testing;

namespace Swarm.Protocol.Tests.Links;

/// <summary>The dialling side of a link, over the in-memory transport and a clock that the test moves: all of it runs in the test's thread.</summary>
public sealed class LinkPoolTests : IAsyncLifetime
{
    private static readonly PeerId Peer = PeerId.OfPublicKey([7]);
    private static readonly SessionId First = new(1, 2);
    private static readonly SessionId Second = new(3, 4);

    private readonly ManualTime _time = new();
    private readonly List<LinkFrame> _received = [];
    private readonly List<(PeerId Peer, FaultKind Fault)> _failed = [];
    private LinkSender _node = null!;
    private ITransport _serving = null!;
    private ITransport _calling = null!;
    private IPeerListener _listener = null!;
    private LinkPool _pool = null!;
    private bool _ended;

    public async Task InitializeAsync()
    {
        var network = new InMemoryNetwork();
        _serving = new InMemoryTransport(network, new TransportOptions());
        _calling = new InMemoryTransport(network, new TransportOptions());
        _listener = await _serving.ListenAsync(
            new PeerAddress("127.0.0.1", 0), [ServerServiceDefinition.CreateBuilder().AddMethod(LinkService.Link, ServeAsync).Build()], CancellationToken.None);
        _pool = new LinkPool(_calling, _time, purpose => LinkGreeting.Make(purpose == ConnectionClass.Bulk, null, Google.Protobuf.ByteString.Empty), TimeSpan.FromSeconds(10));
        _pool.Failed += (peer, fault) => _failed.Add((peer, fault));
    }

    public async Task DisposeAsync()
    {
        await _pool.DisposeAsync();
        await _listener.DisposeAsync();
        await _calling.DisposeAsync();
        await _serving.DisposeAsync();
    }

    [Fact]
    public async Task Link_WithoutSessions_SendsNothing()
    {
        OutboundLink link = await GetAsync();
        _time.Advance(TimeSpan.FromMinutes(5));
        Assert.Single(_received);
        Assert.Equal(0, _pool.Beats);
        Assert.True(link.IsOpen);
        Assert.Null(_time.NextDue);
    }

    [Fact]
    public async Task Link_WithSessions_SaysHowManyEveryHeartbeatAndThatTheLastHasEnded()
    {
        OutboundLink link = await GetAsync();
        var handler = new Handler();
        Assert.True(link.TryRegister(First, handler));
        Speak();
        Advance(0.5);
        Assert.True(link.TryRegister(Second, handler));
        Speak();
        Advance(0.5);
        link.Unregister(First);
        Speak();
        Advance(0.5);
        link.Unregister(Second);
        link.Unregister(Second);
        _time.Advance(TimeSpan.FromMinutes(1));

        Assert.Equal([1u, 2u, 1u, 0u], _received.Skip(1).Select(frame => frame.Progress.Sessions));
        Assert.All(_received.Skip(1), frame => Assert.Equal(0ul, frame.SessionHigh | frame.SessionLow));
        Assert.Equal(3, _pool.Beats);
        Assert.True(link.IsOpen);
        Assert.Empty(_failed);
    }

    [Fact]
    public async Task Link_PeerFallsSilent_BreaksAsStalledAndTellsEverybodyOnce()
    {
        OutboundLink link = await GetAsync();
        var first = new Handler();
        var second = new Handler();
        Assert.True(link.TryRegister(First, first) && link.TryRegister(Second, second));
        Advance(2.9);
        Assert.True(link.IsOpen);
        Advance(0.1);

        Assert.False(link.IsOpen);
        Assert.All([first, second], handler => Assert.Equal(FaultKind.PeerStalled, Assert.Single(handler.Reasons).Fault));
        Assert.Equal(Peer, first.Reasons[0].Peer);
        Assert.Contains("nothing heard for 3.0 s", first.Reasons[0].Message);
        Assert.Equal([(Peer, FaultKind.PeerStalled)], _failed);
        Assert.False(link.TryRegister(First, first));
        Assert.True(_ended, "the peer is to learn that the link is over");
        Assert.NotSame(link, await GetAsync());
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Single(_failed);
    }

    [Fact]
    public async Task Link_SilentBeforeItsFirstSession_IsGivenItsWholeTime()
    {
        OutboundLink link = await GetAsync();
        _time.Advance(TimeSpan.FromHours(1));
        Assert.True(link.TryRegister(First, new Handler()));
        Advance(2.9);
        Assert.True(link.IsOpen);
    }

    [Fact]
    public async Task Link_DeviceStands_BreaksAsStalled()
    {
        OutboundLink link = await GetAsync();
        var handler = new Handler();
        Assert.True(link.TryRegister(First, handler));
        for (int beat = 0; beat < 20; beat++)
        {
            Advance(0.5);
            Speak(units: (ulong)beat / 4, pending: 1);
        }

        // A step of 2 s was seen: now more than that is borne, up to 3 s.
        Assert.True(link.IsOpen);
        for (double at = 0; at < 2.5; at += 0.5)
        {
            Advance(0.5);
            Speak(units: 4, pending: 1);
        }

        Assert.False(link.IsOpen);
        Assert.Contains("stands still", Assert.Single(handler.Reasons).Message);
    }

    [Fact]
    public async Task Link_ALongTransferAlone_CountsAsHeard()
    {
        OutboundLink link = await GetAsync();
        var handler = new Handler();
        Assert.True(link.TryRegister(First, handler));
        for (int part = 0; part < 10; part++)
        {
            Advance(1.9);
            _node.Send(new LinkMessage(new LinkFrame { Ack = new StepAck { Number = 1 } }.Address(First, 0)));
        }

        Assert.True(link.IsOpen);
        Assert.Equal(10, handler.Frames);
    }

    [Fact]
    public async Task Link_ThisProcessWasStopped_BlamesNobody()
    {
        OutboundLink link = await GetAsync();
        Assert.True(link.TryRegister(First, new Handler()));
        Advance(0.5);

        // The timer of 1 s fires only after a minute.
        var late = new LateTime(_time);
        using var watcher = new LinkWatcher(late);
        var watched = new Watched();
        watcher.Add(watched);
        late.Late = TimeSpan.FromMinutes(1);
        Speak();
        _time.Advance(TimeSpan.FromSeconds(0.5));
        late.Late = TimeSpan.Zero;
        Assert.Null(watched.Reason);
        Assert.Equal(1, watched.Spoken);
        Speak();
        _time.Advance(TimeSpan.FromSeconds(2.4));
        Assert.Null(watched.Reason);
        _time.Advance(TimeSpan.FromSeconds(0.5));
        Assert.NotNull(watched.Reason);
    }

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromMilliseconds(Math.Round(seconds * 1000));

    private Task<OutboundLink> GetAsync()
    {
        // The test runner's own context would post; without it both sides run in the thread that sets them off.
        SynchronizationContext.SetSynchronizationContext(null);
        return _pool.GetAsync(new PeerEndpoint(Peer, _listener.Address), ConnectionClass.Decode, CancellationToken.None);
    }

    private void Advance(double seconds) => _time.Advance(Seconds(seconds));

    private void Speak(ulong units = 0, uint pending = 0) =>
        _node.Send(new LinkMessage(new LinkFrame { Progress = new Progress { Units = units, PendingSteps = pending } }));

    private async Task ServeAsync(IAsyncStreamReader<LinkMessage> requests, IServerStreamWriter<LinkMessage> responses, ServerCallContext context)
    {
        _node = new LinkSender(responses);
        _node.Send(new LinkMessage(new LinkFrame { Hello = LinkGreeting.Make(false, Peer, Google.Protobuf.ByteString.Empty) }));
        try
        {
            while (await requests.MoveNext(context.CancellationToken))
                _received.Add(requests.Current.Frame);
        }
        catch (Exception exception) when (exception is RpcException or IOException or OperationCanceledException)
        {
            // The pool has ended the link.
        }

        _ended = true;
    }

    private sealed class Handler : ILinkHandler
    {
        public List<SwarmException> Reasons { get; } = [];

        public int Frames { get; private set; }

        public void OnFrame(OutboundLink link, LinkMessage message)
        {
            Frames++;
            message.Release();
        }

        public void OnBroken(OutboundLink link, SwarmException reason) => Reasons.Add(reason);
    }

    private sealed class Watched : IWatchedLink
    {
        public LinkWatch Watch { get; } = new();

        public string? Reason { get; private set; }

        public int Spoken { get; private set; }

        public void Speak() => Spoken++;

        public void GiveUp(string reason) => Reason = reason;
    }

    // A process that does not run while its clock goes on: its timers find the time later than they were set to.
    private sealed class LateTime(ManualTime manual) : TimeProvider
    {
        private TimeSpan _passed;

        public TimeSpan Late
        {
            set => _passed += value;
        }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => manual.GetTimestamp() + _passed.Ticks;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            manual.CreateTimer(callback, state, dueTime, period);
    }
}
