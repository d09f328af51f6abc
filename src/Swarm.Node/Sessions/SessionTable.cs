using Swarm.Kernels.Codecs;
using Swarm.Models.Blocks;
using Swarm.Node.Compute;
using Swarm.Node.Measurement;
using Swarm.Node.Metrics;
using Swarm.Protocol;
using Swarm.Protocol.Links;
using Swarm.Protocol.Wire;

namespace Swarm.Node.Sessions;

/// <summary>
/// The sessions of this node, and the spans that they are on. Frames come in from the links' reading loops, complete steps go out to the compute loop. The lock is short and
/// nothing is sent under it.
/// </summary>
internal sealed class SessionTable(NodeIdentity self, KvBudget budget, LinkPool links, LinkMeter linkTimes, TimeProvider time, ComputeLoop loop)
{
    private const int RememberedClosed = 4096;

    private readonly Lock _lock = new();
    private readonly Dictionary<SessionId, NodeSession> _sessions = [];
    private readonly Dictionary<SessionId, (InboundLink? Decode, InboundLink? Bulk)> _parkedAttachments = [];
    private readonly HashSet<SessionId> _closedIds = [];
    private readonly Queue<SessionId> _closedOrder = [];
    private readonly SessionLedger _ledger = new(budget.Bytes);
    private readonly List<ServedSpan> _spans = [];
    private ServedSpan? _current;
    private bool _paused;
    private bool _draining;
    private TaskCompletionSource? _empty;

    /// <summary>Raised when a session opens or closes, with the number open then.</summary>
    public event Action<SessionId, bool, int>? Changed;

    public int Count
    {
        get
        {
            lock (_lock)
                return _sessions.Count;
        }
    }

    /// <summary>Positions not promised to anybody, on the span that new sessions get.</summary>
    public long FreeTokens
    {
        get
        {
            lock (_lock)
                return _current is { } current ? _ledger.FreeTokens(current.Layout) : 0;
        }
    }

    /// <summary>What new sessions get; null while the node serves nothing.</summary>
    public ServedSpan? Current
    {
        get
        {
            lock (_lock)
                return _current;
        }
    }

    /// <summary>All spans in memory: the current one and those on which sessions still run.</summary>
    public IReadOnlyList<ServedSpan> Spans
    {
        get
        {
            lock (_lock)
                return [.. _spans];
        }
    }

    /// <summary>Admits nothing new for now; what runs goes on.</summary>
    public bool IsPaused
    {
        get
        {
            lock (_lock)
                return _paused;
        }

        set
        {
            lock (_lock)
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
        lock (_lock)
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
        lock (_lock)
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
        lock (_lock)
            _ledger.BudgetBytes = cacheBytes;
        budget.Bytes = cacheBytes;
    }

    /// <summary>Frees what is left, once the compute loop has ended.</summary>
    public void DisposeSpans()
    {
        ServedSpan[] left;
        lock (_lock)
        {
            left = [.. _spans];
            _spans.Clear();
            _current = null;
        }

        foreach (ServedSpan span in left)
            span.Dispose();
    }

    /// <summary>Admits nothing new; ends when the last session has closed.</summary>
    public Task DrainAsync()
    {
        lock (_lock)
        {
            _draining = true;
            if (_ledger.Count == 0 && _sessions.Count == 0)
                return Task.CompletedTask;
            _empty ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _empty.Task;
        }
    }

    /// <summary>Ends all sessions, telling both sides why.</summary>
    public void FaultAll(FaultKind kind, string message)
    {
        NodeSession[] sessions;
        lock (_lock)
            sessions = [.. _sessions.Values];
        foreach (NodeSession session in sessions)
            Fault(session, Make(kind, message));
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
                    OnOpen(link, message.Session, frame.Epoch, frame.Open);
                    break;
                case LinkFrame.BodyOneofCase.Step:
                    OnStep(link, message.Session, frame.Epoch, frame.Step);
                    break;
                case LinkFrame.BodyOneofCase.Close:
                    OnClose(link, message.Session);
                    break;
                case LinkFrame.BodyOneofCase.Attach:
                    OnAttach(link, message.Session);
                    break;
                case LinkFrame.BodyOneofCase.None when message.Part is not null:
                    break;
                default:
                    OnStray(link, message);
                    return;
            }

            if (message.Part is not null)
                OnPart(link, message);
        }
        finally
        {
            message.Release();
        }
    }

    /// <summary>A link closed: the sessions that came by it end here and below.</summary>
    public void OnLinkClosed(InboundLink link)
    {
        foreach (StepAssembly assembly in link.Assemblies.Values)
            assembly.Dispose();
        link.Assemblies.Clear();
        foreach (SessionId id in link.Sessions)
        {
            NodeSession? session;
            lock (_lock)
                _sessions.TryGetValue(id, out session);
            if (session is not null)
                Close(session);
        }

        lock (_lock)
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
    public void OnOpenedBelow(NodeSession session, Opened below)
    {
        if (below.Hops.Count >= ChainLimits.MaxHops)
            return;
        var opened = new Opened { Hops = { new HopOpened { GrantedPositions = (uint)session.Plan.MaxPositions } } };
        opened.Hops.AddRange(below.Hops);
        session.Upstream.Send(new LinkFrame { Opened = opened }, session.Id, session.Epoch);
    }

    /// <summary>Ends a session for a cause and tells upstream, downstream and, at the last hop, the client.</summary>
    public void Fault(NodeSession session, Fault fault)
    {
        if (!Close(session))
            return;
        NodeMeter.Faulted(fault.Kind);
        if (fault.Message.Length > ChainLimits.MaxFaultMessage)
            fault.Message = fault.Message[..ChainLimits.MaxFaultMessage];
        session.Upstream.Send(new LinkFrame { Fault = fault }, session.Id, session.Epoch);
    }

    /// <summary>A step's result at the last hop: straight to the client, or kept until the client has attached.</summary>
    public void SendResult(NodeSession session, StepResult result, HiddenPacket? packet, bool bulk)
    {
        var frame = new LinkFrame { Result = result };
        InboundLink? link;
        bool full;
        lock (_lock)
        {
            link = bulk ? session.BulkResults ?? session.DecodeResults : session.DecodeResults ?? session.BulkResults;
            full = link is null && session.Parked.Count >= ChainLimits.MaxParkedFrames;
            if (link is null && !full && !session.IsClosed)
            {
                session.Parked.Add((frame, packet, bulk));
                return;
            }
        }

        if (link is null)
        {
            packet?.Dispose();
            if (full)
                Fault(session, Make(FaultKind.ProtocolViolation, $"results: {ChainLimits.MaxParkedFrames} wait, and no client has attached to take them"));
            return;
        }

        LinkMessages.Split(frame.Address(session.Id, session.Epoch), packet, message => link.Sender.Send(message));
    }

    /// <summary>A next hop has acknowledged a packet.</summary>
    public void OnRoundTrip(PeerId peer, TimeSpan roundTrip) => linkTimes.Observe(peer, roundTrip);

    /// <summary>A step has gone on: its memory no longer counts.</summary>
    public void OnStepDone(NodeSession session, long bytes)
    {
        lock (_lock)
        {
            session.PendingSteps--;
            session.PendingBytes -= bytes;
        }
    }

    /// <summary>The compute loop has given the session's cache back.</summary>
    public void OnReleased(NodeSession session)
    {
        int open;
        TaskCompletionSource? empty = null;
        lock (_lock)
        {
            _ledger.Release(session.Id);
            open = _sessions.Count;
            if (_draining && _ledger.Count == 0 && open == 0)
                empty = _empty;
        }

        Release(session.Served);
        Changed?.Invoke(session.Id, false, open);
        empty?.TrySetResult();
    }

    private void Release(ServedSpan span)
    {
        bool unused;
        lock (_lock)
            unused = --span.Users == 0 && span.IsRetired && _spans.Remove(span);
        if (unused)
            span.Dispose();
    }

    private static Fault Make(FaultKind kind, string message) => new() { Kind = kind, Message = message };

    private static void Refuse(InboundLink link, SessionId id, uint epoch, FaultKind kind, string message) => Refuse(link, id, epoch, Make(kind, message));

    private static void Refuse(InboundLink link, SessionId id, uint epoch, Fault refusal)
    {
        NodeMeter.Faulted(refusal.Kind);
        link.Send(new LinkFrame { Fault = refusal }, id, epoch);
    }

    private void OnOpen(InboundLink link, SessionId id, uint epoch, OpenSession open)
    {
        if (id.IsNone)
        {
            Refuse(link, id, epoch, FaultKind.InvalidArgument, "session: 0, expected 128 random bits");
            return;
        }

        NodeSession? session;
        SessionPlan? plan;
        Fault? fault;
        int count;
        ServedSpan? served;
        do
        {
            served = Current;
            plan = SessionPlan.Read(open, self, served?.Blocks ?? default, out fault);
            if (plan is null)
            {
                Refuse(link, id, epoch, fault!);
                return;
            }
        }
        while (!TryAdmit(link, id, epoch, plan, served!, out session, out fault, out count));

        if (session is null)
        {
            fault!.FirstBlock = (uint)plan.Part.Start;
            fault.EndBlock = (uint)plan.Part.End;
            Refuse(link, id, epoch, fault);
            return;
        }

        Prune(link.Sessions);
        link.Sessions.Add(id);
        Changed?.Invoke(id, true, count);
        if (session.Downstream is { } downstream)
            _ = downstream.OpenAsync(open);
        else
            link.Send(new LinkFrame { Opened = new Opened { Hops = { new HopOpened { GrantedPositions = (uint)plan.MaxPositions } } } }, id, epoch);
    }

    // False when the node has moved since the plan was checked: it is to be checked anew.
    private bool TryAdmit(
        InboundLink link, SessionId id, uint epoch, SessionPlan plan, ServedSpan served, out NodeSession? session, out Fault? fault, out int count)
    {
        session = null;
        fault = null;
        lock (_lock)
        {
            count = _sessions.Count;
            if (served != _current)
                return false;
            if (_draining)
                fault = Make(FaultKind.Draining, "this node is leaving");
            else if (_paused)
                fault = Make(FaultKind.Paused, "this node is paused");
            else if (_sessions.Count >= ChainLimits.MaxSessions)
                fault = Make(FaultKind.NoCapacity, $"sessions: {_sessions.Count}, at most {ChainLimits.MaxSessions}");
            else if (_sessions.ContainsKey(id) || _closedIds.Contains(id))
                fault = Make(FaultKind.ProtocolViolation, "session: opened before, expected a new one");
            else if (!_ledger.TryAdmit(id, plan.ExpectedPositions, served.Layout))
                fault = Make(FaultKind.NoCapacity, $"key-value cache: {plan.ExpectedPositions} positions asked for, {_ledger.FreeTokens(served.Layout)} are free");
            if (fault is not null)
                return true;
            session = new NodeSession(id, epoch, plan, served, served.Pool.CreateCache(), link);
            served.Users++;
            if (plan.Next is null && _parkedAttachments.Remove(id, out (InboundLink? Decode, InboundLink? Bulk) parked))
                (session.DecodeResults, session.BulkResults) = parked;
            if (plan.Next is not null)
                session.Downstream = new Downstream(session, this, links);
            _sessions.Add(id, session);
            count = _sessions.Count;
            return true;
        }
    }

    // Step 7: header first, then limits; memory for the bytes only after both.
    private void OnStep(InboundLink link, SessionId id, uint epoch, Step step)
    {
        NodeSession? session = Find(link, id, epoch);
        if (session is null)
            return;
        if (CheckStep(session, epoch, step) is { } fault)
        {
            Fault(session, fault);
            return;
        }

        if (link.Assemblies.Remove(id, out StepAssembly? unfinished))
        {
            unfinished.Dispose();
            Fault(session, Make(FaultKind.ProtocolViolation, $"step {step.Number}: came before step {unfinished.Header.Number} was complete"));
            return;
        }

        lock (_lock)
        {
            session.PendingBytes += (long)step.EncodedBytes;
            session.PendingSteps++;
        }

        link.Sessions.Add(id);
        DropAbandoned(link);
        link.Assemblies.Add(id, new StepAssembly(session, step, session.Plan.InputCodec, self.Hidden));
    }

    private Fault? CheckStep(NodeSession session, uint epoch, Step step)
    {
        SessionPlan plan = session.Plan;
        if (epoch < session.Epoch)
            return Make(FaultKind.StaleEpoch, $"epoch: {epoch}, the session is at {session.Epoch}");
        if (epoch > session.Epoch)
            return Make(FaultKind.ProtocolViolation, $"epoch: {epoch}, the session is at {session.Epoch}");
        if (step.Count is 0 or > ChainLimits.MaxStepTokens)
            return Make(FaultKind.InvalidArgument, $"count: {step.Count}, expected 1 to {ChainLimits.MaxStepTokens}");
        if (step.Position > plan.MaxPositions || step.Count > plan.MaxPositions - step.Position)
        {
            return Make(
                FaultKind.ContextExceeded, $"positions: {(ulong)step.Position + step.Count}, expected at most {plan.MaxPositions}");
        }

        if (step.Codec != plan.InputCodec.Id)
            return Make(FaultKind.InvalidArgument, $"codec: {step.Codec}, expected {plan.InputCodec.Id} ({plan.InputCodec.Name}) at block {plan.Part.Start}");
        long most = MostBytes(plan.InputCodec, (int)step.Count);
        if (step.EncodedBytes is 0 || step.EncodedBytes > (ulong)most)
            return Make(FaultKind.CorruptPacket, $"encoded_bytes: {step.EncodedBytes}, expected 1 to {most} for {step.Count} tokens");
        if (step.Telemetry.Count >= ChainLimits.MaxHops)
            return Make(FaultKind.InvalidArgument, $"telemetry: {step.Telemetry.Count} hops, expected fewer than {ChainLimits.MaxHops}");
        lock (_lock)
        {
            if (step.Number < session.NextStep || step.Number - session.NextStep >= ChainLimits.MaxPendingSteps || session.Early.ContainsKey(step.Number))
                return Make(FaultKind.ProtocolViolation, $"step number: {step.Number}, expected {session.NextStep} or one of the next {ChainLimits.MaxPendingSteps}");
            if (session.PendingSteps >= ChainLimits.MaxPendingSteps)
                return Make(FaultKind.NoCapacity, $"steps under way: {session.PendingSteps}, at most {ChainLimits.MaxPendingSteps}");
            if (session.PendingBytes + (long)step.EncodedBytes > ChainLimits.MaxPendingBytes)
                return Make(FaultKind.NoCapacity, $"bytes under way: {session.PendingBytes + (long)step.EncodedBytes}, at most {ChainLimits.MaxPendingBytes}");
        }

        return null;
    }

    private long MostBytes(ActivationCodec codec, int tokens) => codec.MaxEncodedBytes(tokens, self.Hidden);

    private void OnPart(InboundLink link, LinkMessage message)
    {
        SessionId id = message.Session;
        if (!link.Assemblies.TryGetValue(id, out StepAssembly? assembly))
        {
            if (Find(link, id, message.Frame.Epoch) is { } stray)
                Fault(stray, Make(FaultKind.ProtocolViolation, "chunk: no step announced it"));
            return;
        }

        if (assembly.Add(message.Part!) is { } defect)
        {
            link.Assemblies.Remove(id);
            assembly.Dispose();
            Fault(assembly.Session, Make(FaultKind.CorruptPacket, defect));
            return;
        }

        if (!assembly.IsComplete)
            return;
        link.Assemblies.Remove(id);
        // The device first; then, while it computes, the sender learns that the packet has arrived.
        Accept(assembly.Session, new StepWork(assembly.Session, assembly.Header, assembly.Take(), link.IsBulk, time.GetTimestamp()));
        link.Send(new LinkFrame { Ack = new StepAck { Number = assembly.Header.Number } }, id, assembly.Session.Epoch);
    }

    // Steps run in the order of their numbers, whichever link brought them.
    private void Accept(NodeSession session, StepWork work)
    {
        Fault? fault = null;
        lock (_lock)
        {
            if (session.IsClosed)
            {
                work.Dispose();
                return;
            }

            session.Early.Add(work.Header.Number, work);
            while (fault is null && session.Early.Remove(session.NextStep, out StepWork? next))
            {
                session.NextStep++;
                int end = next.Position + next.Count;
                if (next.Position > session.Length)
                    fault = Make(FaultKind.WrongPosition, $"position: {next.Position}, expected 0 to {session.Length} (the session's length)");
                else if (!_ledger.TryGrow(session.Id, end, session.Served.Layout))
                    fault = Make(FaultKind.NoCapacity, $"key-value cache: {end} positions needed, {_ledger.FreeTokens(session.Served.Layout)} are free");
                session.Length = end;
                if (fault is null)
                    loop.Post(new LoopItem(next, null));
                else
                    next.Dispose();
            }
        }

        loop.Wake();
        if (fault is not null)
            Fault(session, fault);
    }

    private void OnClose(InboundLink link, SessionId id)
    {
        NodeSession? session;
        lock (_lock)
            _sessions.TryGetValue(id, out session);
        if (session is not null && link.Sessions.Contains(id))
            Close(session);
        link.Sessions.Remove(id);
        if (link.Assemblies.Remove(id, out StepAssembly? unfinished))
            unfinished.Dispose();
        if (!link.Attached.Remove(id))
            return;
        lock (_lock)
            _parkedAttachments.Remove(id);
    }

    private void OnAttach(InboundLink link, SessionId id)
    {
        (LinkFrame Frame, HiddenPacket? Packet, bool Bulk)[] parked = [];
        lock (_lock)
        {
            if (_closedIds.Contains(id))
                return;
            if (_sessions.TryGetValue(id, out NodeSession? session))
            {
                if (session.Plan.Next is not null)
                    return;
                session.DecodeResults = link.IsBulk ? session.DecodeResults : link;
                session.BulkResults = link.IsBulk ? link : session.BulkResults;
                parked = [.. session.Parked];
                session.Parked.Clear();
                foreach ((LinkFrame frame, _, _) in parked)
                    frame.Address(id, session.Epoch);
            }
            else
            {
                if (_parkedAttachments.Count >= ChainLimits.MaxParkedAttachments && !_parkedAttachments.ContainsKey(id))
                    return;
                _parkedAttachments.TryGetValue(id, out (InboundLink? Decode, InboundLink? Bulk) known);
                _parkedAttachments[id] = link.IsBulk ? (known.Decode, link) : (link, known.Bulk);
            }
        }

        Prune(link.Attached);
        link.Attached.Add(id);
        foreach ((LinkFrame frame, HiddenPacket? packet, _) in parked)
            LinkMessages.Split(frame, packet, message => link.Sender.Send(message));
    }

    private void OnStray(InboundLink link, LinkMessage message)
    {
        string text = $"frame: {message.Frame.BodyCase}, expected OpenSession, Step, CloseSession or Attach";
        if (Find(link, message.Session, message.Frame.Epoch) is { } session)
            Fault(session, Make(FaultKind.ProtocolViolation, text));
    }

    private void OnDefect(InboundLink link, LinkMessage message, string defect)
    {
        NodeSession? session = null;
        if (!message.Session.IsNone)
        {
            lock (_lock)
                _sessions.TryGetValue(message.Session, out session);
        }

        if (session is not null)
        {
            if (link.Assemblies.Remove(session.Id, out StepAssembly? unfinished))
                unfinished.Dispose();
            Fault(session, Make(FaultKind.CorruptPacket, defect));
        }
        else
        {
            Refuse(link, message.Session, message.Frame.Epoch, FaultKind.CorruptPacket, defect);
        }
    }

    // The session that a frame speaks of. Frames of one that has just ended may still be on their way and are passed over in silence.
    private NodeSession? Find(InboundLink link, SessionId id, uint epoch)
    {
        bool late;
        lock (_lock)
        {
            if (_sessions.TryGetValue(id, out NodeSession? session))
                return session;
            late = _closedIds.Contains(id);
        }

        if (!late)
            Refuse(link, id, epoch, FaultKind.UnknownSession, $"session: {id}, not open here");
        return null;
    }

    // A link may live for weeks: ids of sessions that have ended without its knowing are dropped now and then.
    private void Prune(HashSet<SessionId> ids)
    {
        if (ids.Count < ChainLimits.MaxSessions)
            return;
        lock (_lock)
            ids.RemoveWhere(id => !_sessions.ContainsKey(id) && !_parkedAttachments.ContainsKey(id));
    }

    // Packets whose session ended before they were complete.
    private static void DropAbandoned(InboundLink link)
    {
        const int few = 16;
        if (link.Assemblies.Count < few)
            return;
        foreach ((SessionId id, StepAssembly assembly) in link.Assemblies)
        {
            if (!assembly.Session.IsClosed)
                continue;
            assembly.Dispose();
            link.Assemblies.Remove(id);
        }
    }

    private bool Close(NodeSession session)
    {
        List<StepWork> early;
        List<(LinkFrame, HiddenPacket? Packet, bool)> parked;
        lock (_lock)
        {
            if (session.IsClosed)
                return false;
            session.IsClosed = true;
            _sessions.Remove(session.Id);
            _parkedAttachments.Remove(session.Id);
            if (_closedIds.Add(session.Id))
            {
                _closedOrder.Enqueue(session.Id);
                if (_closedOrder.Count > RememberedClosed)
                    _closedIds.Remove(_closedOrder.Dequeue());
            }

            early = [.. session.Early.Values];
            session.Early.Clear();
            parked = [.. session.Parked];
            session.Parked.Clear();
            loop.Post(new LoopItem(null, session));
        }

        foreach (StepWork work in early)
            work.Dispose();
        foreach ((_, HiddenPacket? packet, _) in parked)
            packet?.Dispose();
        loop.Wake();
        session.Downstream?.Close();
        return true;
    }
}
