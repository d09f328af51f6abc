using Swarm.Models.Blocks;
using Swarm.Node.Compute;
using Swarm.Node.Measurement;
using Swarm.Node.Metrics;
using Swarm.Node.SwarmEnds;
using Swarm.Protocol;
using Swarm.Protocol.Links;
using Swarm.Protocol.Wire;

namespace Swarm.Node.Sessions;

/// <summary>
/// The sessions of this node. Frames come in from the links' reading loops, complete steps go out to the compute loop. The lock is short and
/// nothing is sent under it. A fault breaks an epoch of a session; the session itself stays for the next, until somebody closes it or nobody asks for it any more.
/// </summary>
internal sealed class SessionTable : IDisposable
{
    private const int RememberedClosed = 4096;

    private readonly Dictionary<SessionId, NodeSession> _sessions = [];
    private readonly Dictionary<SessionId, uint> _closedEpochs = [];
    private readonly Dictionary<PeerId, ClientFlight> _flights = [];
    private readonly Queue<SessionId> _closedOrder = [];
    private readonly KvBudget _budget;
    private readonly LinkMeter _linkTimes;
    private readonly TimeProvider _time;
    private readonly ComputeLoop _loop;
    private readonly SessionLedger _ledger;
    private readonly Suspensions _suspensions;
    private readonly SessionOpening _opening;
    private readonly StepIntake _intake;
    private bool _paused;
    private bool _draining;
    private TimeSpan? _remaining;
    private long _leavingSince;
    private TaskCompletionSource? _empty;

    public SessionTable(NodeIdentity self, KvBudget budget, LinkPool links, LinkMeter linkTimes, TimeProvider time, ComputeLoop loop)
    {
        _budget = budget;
        _linkTimes = linkTimes;
        _time = time;
        _loop = loop;
        _ledger = new SessionLedger(budget.Bytes, time);
        Results = new ResultDelivery(this);
        _suspensions = new Suspensions(time, session => Close(session, session.Epoch, farewell: false, onlySuspended: true));
        _opening = new SessionOpening(self, this, _ledger, links, loop);
        _intake = new StepIntake(self, this, _ledger, time, loop);
    }

    /// <summary>Held where the state of sessions is read or changed.</summary>
    public Lock Gate { get; } = new();

    /// <summary>Where sessions get the model's ends that they need of this hop.</summary>
    public EndsKeeper? Ends { get; set; }

    /// <summary>Raised when a session opens or closes, with the number open then.</summary>
    public event Action<SessionId, bool, int>? Changed;

    public int Count
    {
        get
        {
            lock (Gate)
                return _sessions.Count;
        }
    }

    /// <summary>Positions not promised to anybody, on the span that new sessions get.</summary>
    public long FreeTokens => Spans.Current is { } current ? _ledger.FreeTokens(current.Layout) : 0;

    /// <summary>The blocks that sessions are on.</summary>
    public ServedSpans Spans { get; } = new();

    /// <summary>The way to the clients of sessions that end here.</summary>
    public ResultDelivery Results { get; }

    /// <summary>Admits nothing new for now; what runs goes on.</summary>
    public bool IsPaused
    {
        get
        {
            lock (Gate)
                return _paused;
        }

        set
        {
            lock (Gate)
                _paused = value;
        }
    }

    /// <summary>Bounds the bytes of keys and values over all spans anew.</summary>
    public void Resize(long cacheBytes)
    {
        _ledger.BudgetBytes = cacheBytes;
        _budget.Bytes = cacheBytes;
    }

    /// <summary>Frees the blocks, once the compute loop has ended.</summary>
    public void Dispose()
    {
        _suspensions.Dispose();
        Spans.Dispose();
    }

    /// <summary>Admits nothing new; ends when the last session has closed.</summary>
    public Task DrainAsync()
    {
        lock (Gate)
        {
            _draining = true;
            if (_ledger.Count == 0 && _sessions.Count == 0)
                return Task.CompletedTask;
            _empty ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _empty.Task;
        }
    }

    /// <summary>Tells all clients, by the hops before this one, that this node leaves; their sessions go on until then.</summary>
    public void SayLeaving(TimeSpan remaining)
    {
        NodeSession[] sessions;
        lock (Gate)
        {
            sessions = [.. _sessions.Values];
            (_leavingSince, _remaining) = (_time.GetTimestamp(), remaining);
        }

        foreach (NodeSession session in sessions)
            SayLeaving(session, session.Epoch);
    }

    /// <summary>The same to the client of one session, where it is so.</summary>
    internal void SayLeaving(NodeSession session, uint epoch)
    {
        TimeSpan left;
        lock (Gate)
        {
            if (_remaining is not { } remaining)
                return;
            left = remaining - _time.GetElapsedTime(_leavingSince);
        }

        uint milliseconds = (uint)Math.Clamp(left.TotalMilliseconds, 0, uint.MaxValue);
        session.Upstream.Send(new LinkFrame { Leaving = new Leaving { RemainingMilliseconds = milliseconds } }, session.Id, epoch);
    }

    /// <summary>Ends all sessions, telling both sides why.</summary>
    public void FaultAll(FaultKind kind, string message)
    {
        NodeSession[] sessions;
        lock (Gate)
            sessions = [.. _sessions.Values];
        foreach (NodeSession session in sessions)
        {
            // The hops below keep what they hold, for a while: the client may find another in this one's place.
            if (Close(session, session.Epoch, farewell: false))
                Tell(session, session.Epoch, Make(kind, message));
        }
    }

    /// <summary>A frame came in. Called by the link's reading loop.</summary>
    public void OnFrame(InboundLink link, LinkMessage message)
    {
        try
        {
            if (message.Defect is { } defect)
            {
                OnDefect(link, message, defect);
                return;
            }

            LinkFrame frame = message.Frame;
            switch (frame.BodyCase)
            {
                case LinkFrame.BodyOneofCase.Open:
                    _opening.OnOpen(link, message.Session, frame.Epoch, frame.Open);
                    break;
                case LinkFrame.BodyOneofCase.Step:
                    if (Find(link, message.Session, frame.Epoch) is { } session)
                        _intake.OnStep(link, session, frame.Epoch, frame.Step);
                    else
                        PassOver(link, message.Session);
                    break;
                case LinkFrame.BodyOneofCase.Close:
                    OnClose(link, message.Session, frame.Epoch);
                    break;
                case LinkFrame.BodyOneofCase.Attach:
                    Results.OnAttach(link, message.Session, frame.Epoch);
                    break;
                case LinkFrame.BodyOneofCase.Suspend:
                    if (Look(message.Session, frame.Epoch) is { } suspended)
                        Suspend(suspended);
                    break;
                case LinkFrame.BodyOneofCase.KeepAlive:
                    OnKeepAlive(message.Session);
                    break;
                case LinkFrame.BodyOneofCase.Progress when message.Session.IsNone:
                    break;
                case LinkFrame.BodyOneofCase.None when message.Part is not null:
                    break;
                default:
                    OnStray(link, message);
                    return;
            }

            if (message.Part is not null)
                _intake.OnPart(link, message);
        }
        finally
        {
            message.Release();
        }
    }

    /// <summary>A link closed: the sessions that came by it wait for another way.</summary>
    public void OnLinkClosed(InboundLink link)
    {
        foreach (StepAssembly assembly in link.Assemblies.Values)
            assembly.Dispose();
        link.Assemblies.Clear();
        foreach ((SessionId id, uint epoch) in link.Sessions)
        {
            if (Look(id, epoch) is { } session)
                Suspend(session);
        }

        Results.OnLinkClosed(link);
    }

    /// <summary>Everything below is ready.</summary>
    public void OnOpenedBelow(NodeSession session, uint epoch, Opened below) => _opening.OnOpenedBelow(session, epoch, below);

    /// <summary>A frame for the client that came from below.</summary>
    public void PassOn(NodeSession session, uint epoch, LinkFrame frame) => session.Upstream.Send(frame, session.Id, epoch);

    /// <summary>
    /// Something failed in an epoch: the hops before and, through them, the client are told, and steps are dropped from now on. What is held stays for the next epoch, unless the
    /// caller's own mistake is the cause or a session that is only being opened finds no room.
    /// </summary>
    public void Fault(NodeSession session, uint epoch, Fault fault)
    {
        List<StepWork> early;
        bool ends;
        lock (Gate)
        {
            if (session.IsClosed || session.IsBroken || session.Epoch != epoch)
                return;
            session.IsBroken = true;
            early = [.. session.Early.Values];
            session.Early.Clear();
            ends = fault.Kind == FaultKind.NoCapacity ? epoch == 0 && session.IsOpening
                : fault.Kind != FaultKind.StaleEpoch && fault.Kind.Rule().Blame == FaultBlame.Caller;
        }

        foreach (StepWork work in early)
            work.Dispose();
        if (ends)
            Close(session, epoch);
        Tell(session, epoch, fault);
    }

    /// <summary>A next hop has acknowledged a packet.</summary>
    public void OnRoundTrip(PeerId peer, TimeSpan roundTrip) => _linkTimes.Observe(peer, roundTrip);

    /// <summary>A step has gone on: its memory no longer counts.</summary>
    public void OnStepDone(StepWork work) => _intake.OnDone(work);

    /// <summary>The compute loop has given the session's cache back.</summary>
    public void OnReleased(NodeSession session)
    {
        int open;
        TaskCompletionSource? empty = null;
        _ledger.Release(session.Lease);
        lock (Gate)
        {
            open = _sessions.Count;
            if (_draining && _ledger.Count == 0 && open == 0)
                empty = _empty;
        }

        session.Ends?.Dispose();
        Spans.Release(session.Served);
        Changed?.Invoke(session.Id, false, open);
        empty?.TrySetResult();
    }

    internal static Fault Make(FaultKind kind, string message) => new() { Kind = kind, Message = message };

    /// <summary>A refusal for want of room, and when to ask again.</summary>
    internal static Fault ComeAgain(string message) =>
        new() { Kind = FaultKind.NoCapacity, Message = message, RetryAfterMilliseconds = (uint)ShareRule.RetryAfter.TotalMilliseconds };

    internal static void Refuse(InboundLink link, SessionId id, uint epoch, Fault refusal)
    {
        NodeMeter.Faulted(refusal.Kind);
        link.Send(new LinkFrame { Fault = refusal }, id, epoch);
    }

    /// <summary>The session of an id; under the lock.</summary>
    internal NodeSession? Look(SessionId id) => _sessions.GetValueOrDefault(id);

    /// <summary>The epoch that a session is at, or was when it closed; under the lock.</summary>
    internal uint? LastEpoch(SessionId id) =>
        _sessions.TryGetValue(id, out NodeSession? session) ? session.Epoch : _closedEpochs.TryGetValue(id, out uint closed) ? closed : null;

    /// <summary>Why a new session may not come in, as far as its size plays no part; under the lock.</summary>
    internal Fault? RefusalOf(SessionId id)
    {
        if (_draining)
            return Make(FaultKind.Draining, "this node is leaving");
        if (_paused)
            return Make(FaultKind.Paused, "this node is paused");
        if (_sessions.Count >= ChainLimits.MaxSessions)
            return ComeAgain($"sessions: {_sessions.Count}, at most {ChainLimits.MaxSessions}");
        return _sessions.ContainsKey(id) ? Make(FaultKind.ProtocolViolation, "session: opened by two at once") : null;
    }

    /// <summary>What waits for a client's sessions; under the lock.</summary>
    internal ClientFlight FlightOf(PeerId client)
    {
        if (!_flights.TryGetValue(client, out ClientFlight? flight))
            _flights.Add(client, flight = new ClientFlight());
        return flight;
    }

    /// <summary>Takes a new session in, and who waits for its results; under the lock. Returns how many there are.</summary>
    internal int Add(NodeSession session)
    {
        Results.Join(session);
        _sessions.Add(session.Id, session);
        session.Flight.Sessions++;
        return _sessions.Count;
    }

    internal void OnBegun(NodeSession session, int count) => Changed?.Invoke(session.Id, true, count);

    /// <summary>The way to the client is whole again; under the lock.</summary>
    internal void Resume(NodeSession session)
    {
        if (!session.IsSuspended)
            return;
        session.IsSuspended = false;
        _suspensions.Remove(session);
    }

    // The session that a frame speaks of. Frames of one that has just ended may still be on their way and are passed over in silence.
    internal NodeSession? Find(InboundLink link, SessionId id, uint epoch)
    {
        bool late;
        lock (Gate)
        {
            if (_sessions.TryGetValue(id, out NodeSession? session))
                return session;
            late = _closedEpochs.ContainsKey(id);
        }

        if (!late)
            Refuse(link, id, epoch, Make(FaultKind.UnknownSession, $"session: {id}, not open here"));
        return null;
    }

    // A link may live for weeks: ids of sessions that have ended without its knowing are dropped now and then.
    internal void Prune(InboundLink link)
    {
        if (link.Sessions.Count < ChainLimits.MaxSessions && link.Attached.Count < ChainLimits.MaxSessions && link.PassedOver.Count < ChainLimits.MaxSessions)
            return;
        lock (Gate)
        {
            foreach (SessionId id in link.Sessions.Keys)
            {
                if (!_sessions.ContainsKey(id))
                    link.Sessions.Remove(id);
            }

            link.Attached.RemoveWhere(id => !_sessions.ContainsKey(id) && !Results.IsAwaited(id));
            link.PassedOver.RemoveWhere(id => !_sessions.ContainsKey(id));
        }
    }

    /// <summary>Ends a session here. False when somebody else did.</summary>
    /// <param name="session">The session.</param>
    /// <param name="epoch">No earlier one, nor this, can open it again.</param>
    /// <param name="farewell">Ends it below as well; otherwise the hops there wait, each for itself.</param>
    /// <param name="onlySuspended">Leaves alone one to whose client there is a way again.</param>
    internal bool Close(NodeSession session, uint epoch, bool farewell = true, bool onlySuspended = false)
    {
        List<StepWork> early;
        Downstream? downstream;
        lock (Gate)
        {
            if (session.IsClosed || (onlySuspended && !session.IsSuspended))
                return false;
            session.IsClosed = true;
            _sessions.Remove(session.Id);
            Results.Forget(session.Id, epoch);
            (session.PendingSteps, session.PendingBytes) = (0, 0);
            if (--session.Flight.Sessions == 0)
                _flights.Remove(session.Lease.Client);
            Remember(session.Id, epoch);
            downstream = session.Downstream;
            early = [.. session.Early.Values];
            session.Early.Clear();
            _loop.Post(new LoopItem(null, session, null));
        }

        _suspensions.Remove(session);
        foreach (StepWork work in early)
            work.Dispose();
        _loop.Wake();
        if (farewell)
        {
            downstream?.Close();
        }
        else
        {
            downstream?.Suspend();
            downstream?.Leave();
        }

        return true;
    }

    private void Remember(SessionId id, uint epoch)
    {
        if (_closedEpochs.TryGetValue(id, out uint last))
        {
            _closedEpochs[id] = Math.Max(last, epoch);
            return;
        }

        _closedEpochs.Add(id, epoch);
        _closedOrder.Enqueue(id);
        if (_closedOrder.Count > RememberedClosed)
            _closedEpochs.Remove(_closedOrder.Dequeue());
    }

    private static void Tell(NodeSession session, uint epoch, Fault fault)
    {
        NodeMeter.Faulted(fault.Kind);
        if (fault.Message.Length > ChainLimits.MaxFaultMessage)
            fault.Message = fault.Message[..ChainLimits.MaxFaultMessage];
        session.Upstream.Send(new LinkFrame { Fault = fault }, session.Id, epoch);
    }

    private NodeSession? Look(SessionId id, uint epoch)
    {
        lock (Gate)
            return Look(id) is { } session && session.Epoch == epoch ? session : null;
    }

    private void Suspend(NodeSession session)
    {
        Downstream? downstream;
        lock (Gate)
        {
            if (session.IsClosed || session.IsSuspended)
                return;
            session.IsSuspended = true;
            downstream = session.Downstream;
            _suspensions.Add(session);
        }

        downstream?.Suspend();
    }

    private void PassOver(InboundLink link, SessionId id)
    {
        Prune(link);
        link.PassedOver.Add(id);
    }

    private void OnKeepAlive(SessionId id)
    {
        NodeSession? session;
        lock (Gate)
            session = Look(id);
        if (session is not null)
            _suspensions.Keep(session);
    }

    private void OnClose(InboundLink link, SessionId id, uint epoch)
    {
        NodeSession? session;
        lock (Gate)
        {
            session = Look(id);
            if (session is null && _closedEpochs.ContainsKey(id))
                Remember(id, epoch);
        }

        // An earlier epoch's farewell: the session has gone on without who sent it.
        if (session is not null && epoch < session.Epoch)
            return;
        if (session is not null)
            Close(session, epoch);
        link.Sessions.Remove(id);
        link.PassedOver.Remove(id);
        if (link.Assemblies.Remove(id, out StepAssembly? unfinished))
            unfinished.Dispose();
        if (!link.Attached.Remove(id))
            return;
        lock (Gate)
            Results.Forget(id, epoch);
    }

    private void OnStray(InboundLink link, LinkMessage message)
    {
        string text = $"frame: {message.Frame.BodyCase}, expected OpenSession, Step, CloseSession, Attach, Suspend or KeepAlive";
        if (Find(link, message.Session, message.Frame.Epoch) is { } session)
            Fault(session, message.Frame.Epoch, Make(FaultKind.ProtocolViolation, text));
    }

    private void OnDefect(InboundLink link, LinkMessage message, string defect)
    {
        NodeSession? session = null;
        if (!message.Session.IsNone)
        {
            lock (Gate)
                session = Look(message.Session);
        }

        if (session is null)
        {
            Refuse(link, message.Session, message.Frame.Epoch, Make(FaultKind.CorruptPacket, defect));
            return;
        }

        if (link.Assemblies.Remove(session.Id, out StepAssembly? unfinished))
            unfinished.Dispose();
        link.PassedOver.Add(session.Id);
        Fault(session, message.Frame.Epoch, Make(FaultKind.CorruptPacket, defect));
    }
}
