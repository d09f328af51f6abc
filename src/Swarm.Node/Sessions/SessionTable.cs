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
/// The sessions of this node, and the spans that they are on. Frames come in from the links' reading loops, complete steps go out to the compute loop. The lock is short and
/// nothing is sent under it. A fault breaks an epoch of a session; the session itself stays for the next, until somebody closes it or nobody asks for it any more.
/// </summary>
internal sealed class SessionTable
{
    private const int RememberedClosed = 4096;

    private readonly Dictionary<SessionId, NodeSession> _sessions = [];
    private readonly Dictionary<SessionId, (InboundLink? Decode, InboundLink? Bulk)> _parkedAttachments = [];
    private readonly Dictionary<SessionId, uint> _closedEpochs = [];
    private readonly Queue<SessionId> _closedOrder = [];
    private readonly KvBudget _budget;
    private readonly LinkMeter _linkTimes;
    private readonly TimeProvider _time;
    private readonly ComputeLoop _loop;
    private readonly SessionLedger _ledger;
    private readonly Suspensions _suspensions;
    private readonly SessionOpening _opening;
    private readonly StepIntake _intake;
    private readonly List<ServedSpan> _spans = [];
    private ServedSpan? _current;
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
        _ledger = new SessionLedger(budget.Bytes);
        _suspensions = new Suspensions(time, session => Close(session, session.Epoch, onlySuspended: true));
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
    public long FreeTokens
    {
        get
        {
            lock (Gate)
                return _current is { } current ? _ledger.FreeTokens(current.Layout) : 0;
        }
    }

    /// <summary>What new sessions get; null while the node serves nothing.</summary>
    public ServedSpan? Current
    {
        get
        {
            lock (Gate)
                return _current;
        }
    }

    /// <summary>All spans in memory: the current one and those on which sessions still run.</summary>
    public IReadOnlyList<ServedSpan> Spans
    {
        get
        {
            lock (Gate)
                return [.. _spans];
        }
    }

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

    /// <summary>
    /// From now on new sessions get another span, which the table frees in its time, or none. The one before is freed once its last session has ended. A span that was replaced can come
    /// back as long as it is among <see cref="Spans"/>.
    /// </summary>
    /// <returns>False, and nothing changed, for a span that is freed already.</returns>
    public bool TryReplace(ServedSpan? next)
    {
        ServedSpan? unused = null;
        lock (Gate)
        {
            if (next == _current)
                return true;
            if (next is { IsRetired: true } && !_spans.Contains(next))
                return false;
            if (_current is { } last)
            {
                last.IsRetired = true;
                if (last.Users == 0)
                    unused = last;
            }

            if (unused is not null)
                _spans.Remove(unused);
            if (next is not null)
            {
                next.IsRetired = false;
                if (!_spans.Contains(next))
                    _spans.Add(next);
            }

            _current = next;
        }

        unused?.Dispose();
        return true;
    }

    /// <summary>All spans in memory, which stay there until they are given to <see cref="ReleaseSpans"/>.</summary>
    public IReadOnlyList<ServedSpan> HoldSpans()
    {
        lock (Gate)
        {
            foreach (ServedSpan span in _spans)
                span.Users++;
            return [.. _spans];
        }
    }

    /// <summary>Lets go of spans that were held.</summary>
    public void ReleaseSpans(IReadOnlyList<ServedSpan> held)
    {
        foreach (ServedSpan span in held)
            Release(span);
    }

    /// <summary>Bounds the bytes of keys and values over all spans anew.</summary>
    public void Resize(long cacheBytes)
    {
        _ledger.BudgetBytes = cacheBytes;
        _budget.Bytes = cacheBytes;
    }

    /// <summary>Frees what is left, once the compute loop has ended.</summary>
    public void DisposeSpans()
    {
        ServedSpan[] left;
        lock (Gate)
        {
            left = [.. _spans];
            _spans.Clear();
            _current = null;
        }

        foreach (ServedSpan span in left)
            span.Dispose();
        _suspensions.Dispose();
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
            if (Close(session, session.Epoch))
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
                        link.PassedOver.Add(message.Session);
                    break;
                case LinkFrame.BodyOneofCase.Close:
                    OnClose(link, message.Session, frame.Epoch);
                    break;
                case LinkFrame.BodyOneofCase.Attach:
                    OnAttach(link, message.Session, frame.Epoch);
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

        lock (Gate)
        {
            foreach (SessionId id in link.Attached)
            {
                _parkedAttachments.Remove(id);
                if (!_sessions.TryGetValue(id, out NodeSession? session))
                    continue;
                session.DecodeResults = session.DecodeResults == link ? null : session.DecodeResults;
                session.BulkResults = session.BulkResults == link ? null : session.BulkResults;
            }
        }
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

    /// <summary>A step's result at the last hop: straight to the client, and kept until the client has said that it came.</summary>
    public void SendResult(StepWork work, StepResult result, HiddenPacket? packet)
    {
        NodeSession session = work.Session;
        InboundLink? link;
        bool full;
        lock (Gate)
        {
            link = ResultLink(session, work.IsBulk);
            ResultLog results = session.Results!;
            lock (results.Gate)
            {
                full = link is null && results.Unsent >= ChainLimits.MaxParkedFrames;
                if (!session.IsClosed && !full)
                    results.Add(new StoredResult(result.Number, work.Position, work.Count, packet?.Share(), work.IsBulk, link) { Chosen = work.Chosen });
            }
        }

        if (link is not null)
        {
            LinkMessages.Split(new LinkFrame { Result = result }.Address(session.Id, work.Epoch), packet, message => link.Sender.Send(message));
            return;
        }

        packet?.Dispose();
        if (full)
            Fault(session, work.Epoch, Make(FaultKind.ProtocolViolation, $"results: {ChainLimits.MaxParkedFrames} wait, and no client has attached to take them"));
    }

    /// <summary>Sends what the client may lack, by the links that it has now.</summary>
    /// <param name="session">The session, at its last hop.</param>
    /// <param name="onlyNew">Leaves out what was sent by one of these links.</param>
    public void SendStored(NodeSession session, bool onlyNew = false)
    {
        var sent = new List<(StoredResult Result, InboundLink Link)>();
        uint epoch;
        lock (Gate)
        {
            epoch = session.Epoch;
            ResultLog results = session.Results!;
            lock (results.Gate)
            {
                for (int index = 0; index < results.Count; index++)
                {
                    StoredResult result = results[index];
                    if (ResultLink(session, result.IsBulk) is not { } link)
                        break;
                    if (onlyNew && result.SentOn is { } last && (last == session.DecodeResults || last == session.BulkResults))
                        continue;
                    results.Sent(index, link);
                    result.Packet?.Share();
                    sent.Add((result, link));
                }
            }
        }

        foreach ((StoredResult result, InboundLink link) in sent)
        {
            var header = new StepResult
            {
                Number = result.Number,
                Position = (uint)result.Position,
                Count = (uint)result.Count,
                Rows = (uint)(result.Packet?.Tokens ?? 0),
                Codec = result.Packet?.Codec.Id ?? 0u,
                EncodedBytes = (ulong)(result.Packet?.EncodedBytes ?? 0),
            };
            if (result.Chosen is { } chosen)
                header.TokenIds.Add((uint)chosen);
            LinkMessages.Split(new LinkFrame { Result = header }.Address(session.Id, epoch), result.Packet, message => link.Sender.Send(message));
        }
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
        Release(session.Served);
        Changed?.Invoke(session.Id, false, open);
        empty?.TrySetResult();
    }

    internal static Fault Make(FaultKind kind, string message) => new() { Kind = kind, Message = message };

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

    /// <summary>Whether a new session may come in; under the lock. False when the node has moved; a fault when it may not.</summary>
    internal bool MayAdmit(SessionId id, ServedSpan served, out Fault? fault, out int count)
    {
        fault = null;
        count = _sessions.Count;
        if (served != _current)
            return false;
        if (_draining)
            fault = Make(FaultKind.Draining, "this node is leaving");
        else if (_paused)
            fault = Make(FaultKind.Paused, "this node is paused");
        else if (count >= ChainLimits.MaxSessions)
            fault = Make(FaultKind.NoCapacity, $"sessions: {count}, at most {ChainLimits.MaxSessions}");
        else if (_sessions.ContainsKey(id))
            fault = Make(FaultKind.ProtocolViolation, "session: opened by two at once");
        return true;
    }

    /// <summary>Takes a new session in, and who waits for its results; under the lock. Returns how many there are.</summary>
    internal int Add(NodeSession session)
    {
        session.Served.Users++;
        if (session.Plan.Next is null && _parkedAttachments.Remove(session.Id, out (InboundLink? Decode, InboundLink? Bulk) parked))
            (session.DecodeResults, session.BulkResults) = parked;
        _sessions.Add(session.Id, session);
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

            link.Attached.RemoveWhere(id => !_sessions.ContainsKey(id) && !_parkedAttachments.ContainsKey(id));
            link.PassedOver.RemoveWhere(id => !_sessions.ContainsKey(id));
        }
    }

    /// <summary>Ends a session here and, by the way on of its epoch, below. False when somebody else did.</summary>
    internal bool Close(NodeSession session, uint epoch, bool onlySuspended = false)
    {
        List<StepWork> early;
        Downstream? downstream;
        lock (Gate)
        {
            if (session.IsClosed || (onlySuspended && !session.IsSuspended))
                return false;
            session.IsClosed = true;
            _sessions.Remove(session.Id);
            _parkedAttachments.Remove(session.Id);
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
        downstream?.Close();
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

    private void Release(ServedSpan span)
    {
        bool unused;
        lock (Gate)
            unused = --span.Users == 0 && span.IsRetired && _spans.Remove(span);
        if (unused)
            span.Dispose();
    }

    private static void Tell(NodeSession session, uint epoch, Fault fault)
    {
        NodeMeter.Faulted(fault.Kind);
        if (fault.Message.Length > ChainLimits.MaxFaultMessage)
            fault.Message = fault.Message[..ChainLimits.MaxFaultMessage];
        session.Upstream.Send(new LinkFrame { Fault = fault }, session.Id, epoch);
    }

    private static InboundLink? ResultLink(NodeSession session, bool bulk) =>
        bulk ? session.BulkResults ?? session.DecodeResults : session.DecodeResults ?? session.BulkResults;

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
            _parkedAttachments.Remove(id);
    }

    private void OnAttach(InboundLink link, SessionId id, uint epoch)
    {
        NodeSession? session;
        lock (Gate)
        {
            if (LastEpoch(id) is { } last && (epoch < last || (epoch == last && !_sessions.ContainsKey(id))))
                return;
            session = Look(id);
            if (session is not null)
            {
                if (session.Results is null)
                    return;
                session.DecodeResults = link.IsBulk ? session.DecodeResults : link;
                session.BulkResults = link.IsBulk ? link : session.BulkResults;
                // For a later epoch than this hop has heard of: what is stored may be of positions that the client has gone back from, and goes when that epoch is here.
                if (epoch > session.Epoch)
                    session = null;
            }
            else
            {
                if (_parkedAttachments.Count >= ChainLimits.MaxParkedAttachments && !_parkedAttachments.ContainsKey(id))
                    return;
                _parkedAttachments.TryGetValue(id, out (InboundLink? Decode, InboundLink? Bulk) known);
                _parkedAttachments[id] = link.IsBulk ? (known.Decode, link) : (link, known.Bulk);
            }
        }

        Prune(link);
        link.Attached.Add(id);
        if (session is not null)
            SendStored(session, onlyNew: true);
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
