using Grpc.Core;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;

namespace Swarm.Protocol.Links;

/// <summary>A link that this side dialled. Many sessions share it; frames that come back are handed to the session's handler.</summary>
public sealed class OutboundLink : IWatchedLink, IAsyncDisposable
{
    private readonly AsyncDuplexStreamingCall<LinkMessage, LinkMessage> _call;
    private static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(1);

    private readonly TimeProvider _time;
    private readonly LinkWatcher _watcher;
    private readonly Lock _lock = new();
    private readonly Dictionary<SessionId, ILinkHandler> _handlers = [];
    private Task _reading = Task.CompletedTask;
    private SwarmException? _broken;

    private OutboundLink(
        AsyncDuplexStreamingCall<LinkMessage, LinkMessage> call, PeerAddress address, ConnectionClass purpose, TimeProvider time, LinkWatcher watcher)
    {
        _call = call;
        _watcher = watcher;
        Address = address;
        Purpose = purpose;
        _time = time;
        Sender = new LinkSender(call.RequestStream) { Overflowed = call.Dispose };
        Clock = new LinkClock(time);
    }

    public PeerAddress Address { get; }

    public ConnectionClass Purpose { get; }

    /// <summary>Who answered.</summary>
    public PeerId Peer { get; private set; }

    /// <summary>The writing half.</summary>
    public LinkSender Sender { get; }

    public LinkClock Clock { get; }

    public LinkWatch Watch { get; } = new();

    /// <summary>Told once when the link breaks, unless this side closed it.</summary>
    public Action<SwarmException>? Broken { get; set; }

    /// <summary>Whether frames still pass.</summary>
    public bool IsOpen
    {
        get
        {
            lock (_lock)
                return _broken is null;
        }
    }

    /// <summary>Opens a link and exchanges greetings.</summary>
    /// <exception cref="SwarmException">PeerUnreachable, VersionMismatch, ModelMismatch.</exception>
    public static async Task<OutboundLink> OpenAsync(
        CallInvoker invoker, PeerAddress address, ConnectionClass purpose, Hello hello, TimeSpan patience, TimeProvider time,
        LinkWatcher watcher, CancellationToken cancellationToken)
    {
        var link = new OutboundLink(
            invoker.AsyncDuplexStreamingCall(LinkService.Link, null, new CallOptions()), address, purpose, time, watcher);
        try
        {
            link.Sender.Send(new LinkMessage(new LinkFrame { Hello = hello }));
            using var late = new CancellationTokenSource(patience, time);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
            await link.GreetAsync(both.Token);
            link._reading = link.ReadAsync();
            return link;
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            link._call.Dispose();
            throw new SwarmException(
                FaultKind.PeerUnreachable, $"{address}: no greeting within {patience.TotalSeconds:0.#} s", inner: exception);
        }
        catch (Exception exception)
        {
            link._call.Dispose();
            if (exception is RpcException or IOException)
                throw RpcFaults.Translate(exception, address, FaultKind.PeerUnreachable);
            throw;
        }
    }

    /// <summary>Directs a session's frames. False when the link is broken.</summary>
    public bool TryRegister(SessionId session, ILinkHandler handler)
    {
        lock (_lock)
        {
            if (_broken is not null)
                return false;
            _handlers[session] = handler;
            if (_handlers.Count == 1)
                _watcher.Add(this);
            return true;
        }
    }

    /// <summary>Frames of the session are dropped from now on.</summary>
    public void Unregister(SessionId session)
    {
        bool last;
        lock (_lock)
        {
            last = _handlers.Remove(session) && _handlers.Count == 0;
            if (last)
                _watcher.Remove(this);
        }

        Clock.Forget(session);
        // Without sessions this side falls silent, which the other is not to take for its end.
        if (last)
            Speak();
    }

    /// <summary>Says how many sessions this side has on the link.</summary>
    public void Speak()
    {
        uint sessions;
        lock (_lock)
            sessions = (uint)_handlers.Count;
        Sender.Send(new LinkMessage(new LinkFrame { Progress = new Progress { Sessions = sessions } }));
    }

    /// <summary>The peer has stalled: the link breaks, and whatever it still brings is passed over.</summary>
    public void GiveUp(string reason)
    {
        Break(new SwarmException(FaultKind.PeerStalled, $"{Address}: peer {Peer.Short}: {reason}", Peer));
        _call.Dispose();
    }

    /// <summary>The same, unless they go to another handler by now.</summary>
    public void Unregister(SessionId session, ILinkHandler handler)
    {
        lock (_lock)
        {
            if (!_handlers.TryGetValue(session, out ILinkHandler? known) || known != handler)
                return;
            _handlers.Remove(session);
        }

        Clock.Forget(session);
    }

    /// <summary>Closes the link; handlers are not told.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            _watcher.Remove(this);
            _handlers.Clear();
            _broken ??= new SwarmException(FaultKind.Cancelled, $"{Address}: the link is closed");
        }

        // What was handed over still goes out, the closing of sessions above all, unless the peer does not take it.
        try
        {
            await Sender.DrainAsync().Here().WaitAsync(DrainTime, _time);
            await _call.RequestStream.CompleteAsync();
        }
        catch (Exception exception) when (exception is RpcException or IOException or InvalidOperationException or OperationCanceledException or TimeoutException)
        {
            // It was broken already, or is now.
        }

        Sender.Close();

        _call.Dispose();
        await _reading;
    }

    private async Task GreetAsync(CancellationToken cancellationToken)
    {
        if (!await _call.ResponseStream.MoveNext(cancellationToken))
            throw new SwarmException(FaultKind.PeerUnreachable, $"{Address}: closed the link without a greeting");
        LinkFrame frame = _call.ResponseStream.Current.Frame;
        if (frame.BodyCase == LinkFrame.BodyOneofCase.Fault)
            throw new SwarmException(frame.Fault.Kind, $"{Address}: {frame.Fault.Message}");
        if (frame.BodyCase != LinkFrame.BodyOneofCase.Hello)
            throw new SwarmException(FaultKind.ProtocolViolation, $"{Address}: first frame {frame.BodyCase}, expected Hello");
        if (frame.Hello.Version != WireVersion.Current)
        {
            throw new SwarmException(
                FaultKind.VersionMismatch, $"{Address}: wire version {frame.Hello.Version}, this program has {WireVersion.Current}");
        }

        Peer = PeerId.TryRead(frame.Hello.Peer, out PeerId peer)
            ? peer
            : throw new SwarmException(FaultKind.ProtocolViolation, $"{Address}: peer id of {frame.Hello.Peer.Length} bytes, expected {PeerId.Length}");
    }

    private async Task ReadAsync()
    {
        SwarmException reason;
        try
        {
            while (await _call.ResponseStream.MoveNext(CancellationToken.None))
                Dispatch(_call.ResponseStream.Current);
            reason = new SwarmException(FaultKind.PeerLost, $"{Address}: peer {Peer.Short} closed the link", Peer);
        }
        catch (Exception exception) when (exception is RpcException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            reason = RpcFaults.Translate(exception, Address, FaultKind.PeerLost, Peer);
        }

        Break(reason);
    }

    private void Dispatch(LinkMessage message)
    {
        Watch.Heard(_watcher.Now);
        if (message.Session.IsNone && message.Frame.BodyCase == LinkFrame.BodyOneofCase.Progress)
        {
            Watch.Progress(message.Frame.Progress.Units, message.Frame.Progress.PendingSteps > 0, _watcher.Now);
            message.Release();
            return;
        }

        ILinkHandler? handler;
        lock (_lock)
            _handlers.TryGetValue(message.Session, out handler);
        if (handler is null)
            message.Release();
        else
            handler.OnFrame(this, message);
    }

    private void Break(SwarmException reason)
    {
        ILinkHandler[] handlers;
        bool closedHere;
        lock (_lock)
        {
            closedHere = _broken is not null;
            _broken ??= reason;
            handlers = [.. _handlers.Values];
            _handlers.Clear();
            _watcher.Remove(this);
        }

        Sender.Close();
        foreach (ILinkHandler handler in handlers)
            handler.OnBroken(this, reason);
        if (!closedHere)
            Broken?.Invoke(reason);
    }
}
