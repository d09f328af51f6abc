using Swarm.Kernels.Codecs;
using Swarm.Models;
using Swarm.Protocol;
using Swarm.Protocol.Links;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;

namespace Swarm.Client;

/// <summary>
/// Step 5: a session over a chain of nodes. Steps go to the first hop, which sends them on; results come straight from the last. Nothing in
/// between passes through here. When the chain breaks, <see cref="ChainMender"/> opens another under the next epoch, and the steps that have not come back go on by it.
/// </summary>
internal sealed class RemoteChainSession : IChainSession, ILinkHandler
{
    // A step of at most so many tokens goes by the connection where delay matters.
    private const int DecodeTokens = 8;

    // Positions of a step that fills a hop anew, and how many of these may be on their way to it.
    private const int ReplayTokens = 128;
    private const int ReplayWindow = 4;

    private static readonly TimeSpan PoliteInterval = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly SessionId _id;
    private readonly SessionShape _shape;
    private readonly ChainSurroundings _around;
    private readonly ActivationCodec _inputCodec;
    private readonly ActivationCodec _outputCodec;
    private readonly SessionFeed _feed;

    // Names of the session's beginnings; null where it shares none.
    private readonly PrefixLabels? _labels;

    // Names of positions that the chain may have already.
    private readonly int _offered;
    private readonly SamplingTerms? _sampling;
    private readonly TimeSpan _grace;
    private readonly TroubleRules _rules = new();
    private readonly PendingSteps _steps = new();
    private readonly List<ChainTrouble> _troubles = [];
    private readonly Queue<ChainRecovery> _recoveries = [];
    private readonly List<OutboundLink> _registered = [];
    private readonly SortedSet<PeerId> _leaving = [];
    private readonly CancellationTokenSource _closing = new();

    // The result whose rows are arriving, on each link.
    private readonly Dictionary<OutboundLink, ResultArrival> _arriving = [];
    private ChainState _state = ChainState.Opening;

    // The newest wiring, and the newest that was open.
    private ChainEpoch _epoch;
    private ChainEpoch _open;

    // Everybody who may hold something of the session.
    private readonly List<ChainHop> _holders = [];
    private MendCause? _cause;
    private Task _mending = Task.CompletedTask;
    private (int Attempts, long? Since) _trying;
    private long? _politeAttempt;
    private long? _slowLook;
    private long _sentSteps;
    private long _sentBytes;
    private long _receivedBytes;
    private TimeSpan _network;
    private IReadOnlyList<HopTelemetry> _telemetry = [];
    private uint _resultEpoch;
    private SwarmException? _fault;

    private RemoteChainSession(
        SessionId id, SessionShape shape, IReadOnlyList<ChainHop> hops, ChainSessionOptions options, ChainSurroundings around)
    {
        _id = id;
        _shape = shape;
        _around = around;
        _grace = options.Grace;
        _inputCodec = CodecAt(shape.Blocks.Start);
        _outputCodec = CodecAt(shape.Blocks.End);
        _feed = new SessionFeed(options, around.Hidden, _inputCodec);
        _sampling = options.Ends == EndsMode.Swarm ? SamplingWire.Write(options.Sampling) : null;
        if (options is { SharesPrefix: true, TokenSource: { } ids } && shape.Blocks.Start == 0)
        {
            _labels = new PrefixLabels(ids);
            // The last token's output is wanted: it is computed in any case.
            _offered = Math.Clamp((options.Prefix.Length - 1) / ChainLimits.LabelPositions, 0, Math.Min(ChainLimits.MaxPrefixLabels, shape.MaxPositions / ChainLimits.LabelPositions));
        }

        _open = _epoch = NewEpoch(0, hops);
    }

    public BlockSpan Blocks => _shape.Blocks;

    public int Length
    {
        get
        {
            lock (_lock)
                return _steps.Length;
        }
    }

    public int MaxPositions => _shape.MaxPositions;

    public ChainRoute Route
    {
        get
        {
            lock (_lock)
                return _open.Route;
        }
    }

    public int Window => 2 * Route.Hops.Count + 2;

    public bool IsUsable
    {
        get
        {
            lock (_lock)
                return _state is not (ChainState.Failed or ChainState.Closed);
        }
    }

    public ChainFigures Figures
    {
        get
        {
            lock (_lock)
                return new ChainFigures(_sentSteps, _sentBytes, _receivedBytes, HopFigures()) { Epoch = (int)_resultEpoch };
        }
    }

    /// <summary>The chain that broke, or the one that was tried last in its place.</summary>
    internal IReadOnlyList<ChainHop> Hops
    {
        get
        {
            lock (_lock)
                return _epoch.Hops;
        }
    }

    /// <summary>Attempts to mend the chain since a step last came back, and when the first of them began.</summary>
    internal (int Attempts, long? Since) Trying
    {
        get
        {
            lock (_lock)
                return _trying;
        }
    }

    /// <summary>Positions that a new hop must have room for.</summary>
    internal int Room => Math.Max(_shape.ExpectedPositions, Length);

    /// <summary>Opens the chain: results are attached to the last hop, the request goes to the first and from hop to hop.</summary>
    public static async Task<RemoteChainSession> OpenAsync(
        SessionId id, SessionShape shape, IReadOnlyList<ChainHop> hops, ChainSessionOptions options, ChainSurroundings around, CancellationToken cancellationToken)
    {
        var session = new RemoteChainSession(id, shape, hops, options, around);
        try
        {
            Opened opened = await session.OpenAsync(session._epoch, around.Patience, around.Patience, cancellationToken);
            lock (session._lock)
            {
                if (session._epoch.Fault is { } fault)
                    throw fault;
                session.Begin(opened.Hops[0]);
                session._state = ChainState.Active;
            }

            return session;
        }
        catch (TimeoutException exception)
        {
            await session.DisposeAsync();
            throw new SwarmException(
                FaultKind.PeerUnreachable, $"{hops[0].Address}: the chain was not open within {around.Patience.TotalSeconds:0.#} s", hops[0].Peer, inner: exception);
        }
        catch
        {
            await session.DisposeAsync();
            throw;
        }
    }

    public ValueTask ForwardAsync(
        ReadOnlyMemory<float> hidden, int position, int count, OutputRows outputs, Memory<float> result,
        CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_sampling is not null)
            throw new SwarmException(FaultKind.InvalidArgument, "hidden states: expected token ids, the session has swarm ends");
        int length;
        lock (_lock)
            length = CheckStep(position, count);
        ArgumentOutOfRangeException.ThrowIfLessThan(hidden.Length, count * _around.Hidden);
        ArgumentOutOfRangeException.ThrowIfLessThan(result.Length, PendingStep.RowsOf(outputs, count) * _around.Hidden);

        // Step 6: the packet is encoded before this returns, so the caller may use its buffer again.
        var pending = new PendingStep(position, count, outputs, result, _feed.Encode(hidden.Span, count), position < length);
        return Ask(pending, hidden, default, cancellationToken);
    }

    public ValueTask ForwardIdsAsync(ReadOnlyMemory<int> ids, int position, Memory<int> next, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_sampling is null)
            throw new SwarmException(FaultKind.InvalidArgument, "token ids: expected hidden states, the session has local ends");
        int length;
        lock (_lock)
            length = CheckStep(position, ids.Length);
        foreach (int id in ids.Span)
        {
            if ((uint)id >= (uint)_around.Vocabulary)
                throw new SwarmException(FaultKind.InvalidArgument, $"token id: {id}, expected 0 to {_around.Vocabulary - 1}");
        }

        OutputRows outputs = next.IsEmpty ? OutputRows.None : OutputRows.Last;
        var pending = new PendingStep(position, ids.Length, outputs, default, new StepInput(ids.Span), position < length, next);
        return Ask(pending, default, ids, cancellationToken);
    }

    private ValueTask Ask(PendingStep pending, ReadOnlyMemory<float> hidden, ReadOnlyMemory<int> ids, CancellationToken cancellationToken)
    {
        IReadOnlyList<PendingStep> overwritten = [];
        lock (_lock)
        {
            try
            {
                CheckStep(pending.Position, pending.Count);
            }
            catch
            {
                pending.Input.Dispose();
                throw;
            }

            _feed.Keep(pending.Position, pending.Count, hidden.Span, ids.Span);
            if (_labels is not null)
                pending.Labels = _labels.Write(pending.Position, pending.Count);
            _steps.Add(pending);
            _sentSteps++;
            if (_state != ChainState.Active && pending.IsRollback)
                overwritten = _steps.DropOverwritten();
            if (_state == ChainState.Stranded)
                StartMending(new MendCause(_around.Time.GetTimestamp()));
        }

        GiveBack(overwritten);
        Flush();
        return new ValueTask(cancellationToken.CanBeCanceled ? WaitAsync(pending, cancellationToken) : pending.Completion.Task);
    }

    public bool TryTakeRecovery([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out ChainRecovery? recovery)
    {
        lock (_lock)
            return _recoveries.TryDequeue(out recovery);
    }

    public async ValueTask DisposeAsync()
    {
        bool wasActive;
        ChainHop[] holders;
        Task mending;
        lock (_lock)
        {
            if (_state == ChainState.Closed)
                return;
            wasActive = _state is ChainState.Active or ChainState.Opening && _epoch.Fault is null;
            holders = [.. _holders];
            mending = _mending;
        }

        End(new SwarmException(FaultKind.Cancelled, "the session is closed"), ChainState.Closed);
        _closing.Cancel();
        await mending;
        OutboundLink[] links;
        lock (_lock)
        {
            links = [.. _registered];
            _registered.Clear();
            foreach (ResultArrival arrival in _arriving.Values)
                arrival.Dispose();
            _arriving.Clear();
        }

        foreach (OutboundLink link in links)
        {
            link.Unregister(_id);
            if (link.Purpose == ConnectionClass.Bulk)
                link.Sender.Send(new LinkMessage(new LinkFrame { Close = new CloseSession() }.Address(_id, _epoch.Number)));
        }

        // A chain that is not whole does not pass the word on.
        if (!wasActive)
        {
            foreach (ChainHop hop in holders)
                _ = TellAsync(hop, new LinkFrame { Close = new CloseSession() });
        }

        _closing.Dispose();
    }

    public void OnFrame(OutboundLink link, LinkMessage message)
    {
        try
        {
            ChainEpoch epoch;
            lock (_lock)
            {
                _receivedBytes += message.WireBytes;
                epoch = _epoch;
            }

            LinkFrame frame = message.Frame;
            if (message.Defect is { } defect)
            {
                Break(epoch, Lie(link, defect));
                return;
            }

            bool current = frame.Epoch == epoch.Number;
            switch (frame.BodyCase)
            {
                case LinkFrame.BodyOneofCase.Opened when current && frame.Opened.Hops.Count != epoch.Hops.Count:
                    Break(epoch, Lie(link, $"opened: {frame.Opened.Hops.Count} hops, expected {epoch.Hops.Count}"));
                    break;
                case LinkFrame.BodyOneofCase.Opened when current:
                    epoch.OnOpened(frame.Opened);
                    break;
                case LinkFrame.BodyOneofCase.Ack when current:
                    TimeSpan way = link.Clock.Acknowledged(_id, frame.Ack.Number, frame.Ack.Before);
                    lock (_lock)
                    {
                        _network += way;
                        epoch.OnAck(1 + (ulong)frame.Ack.Before);
                    }

                    break;
                case LinkFrame.BodyOneofCase.Fault when current:
                    Break(epoch, Received(epoch, link, frame.Fault), link.Peer);
                    break;
                case LinkFrame.BodyOneofCase.Result:
                    OnResult(link, epoch, frame);
                    break;
                case LinkFrame.BodyOneofCase.Leaving:
                    OnLeaving(link, frame.Leaving);
                    break;
                case LinkFrame.BodyOneofCase.Progress:
                case LinkFrame.BodyOneofCase.Opened or LinkFrame.BodyOneofCase.Ack or LinkFrame.BodyOneofCase.Fault:
                case LinkFrame.BodyOneofCase.None when message.Part is not null:
                    break;
                default:
                    Break(epoch, Lie(link, $"frame: {frame.BodyCase}, expected Opened, StepAck, StepResult, Fault, Leaving or Progress"));
                    break;
            }

            if (message.Part is { } part)
                OnPart(link, epoch, part);
        }
        finally
        {
            message.Release();
        }
    }

    public void OnBroken(OutboundLink link, SwarmException reason)
    {
        ChainEpoch epoch;
        lock (_lock)
        {
            _registered.Remove(link);
            if (_arriving.Remove(link, out ResultArrival? arrival))
                arrival.Dispose();
            epoch = _epoch;
            if (!epoch.Links.Contains(link))
                return;
        }

        ChainHop hop = epoch.Find(link.Peer) ?? epoch.Hops[0];
        Break(epoch, new SwarmException(reason.Fault, reason.Message, hop.Peer, (hop.Blocks.Start, hop.Blocks.End), reason));
    }

    /// <summary>What broke the chain and was not looked at yet.</summary>
    internal IReadOnlyList<ChainTrouble> TakeTroubles()
    {
        lock (_lock)
        {
            ChainTrouble[] taken = [.. _troubles];
            _troubles.Clear();
            return taken;
        }
    }

    /// <summary>Another attempt begins.</summary>
    internal void CountAttempt()
    {
        lock (_lock)
            _trying = (_trying.Attempts + 1, _trying.Since ?? _around.Time.GetTimestamp());
    }

    /// <summary>Another wiring takes the place of the last; null once the session has ended.</summary>
    internal ChainEpoch? Begin(IReadOnlyList<ChainHop> hops)
    {
        IReadOnlyList<PendingStep> overwritten;
        ChainEpoch epoch;
        lock (_lock)
        {
            if (_state != ChainState.Mending)
                return null;
            _epoch = epoch = NewEpoch(_epoch.Number + 1, hops);
            overwritten = _steps.BeginEpoch(epoch.Number);
        }

        GiveBack(overwritten);
        return epoch;
    }

    /// <summary>Dials, attaches, asks for the chain and waits until it is open.</summary>
    /// <exception cref="SwarmException">What a hop answered, or could not be reached.</exception>
    /// <exception cref="TimeoutException">Somebody on the way did not answer.</exception>
    internal async Task<Opened> OpenAsync(ChainEpoch epoch, TimeSpan dialPatience, TimeSpan patience, CancellationToken cancellationToken)
    {
        ChainHop first = epoch.Hops[0];
        ChainHop last = epoch.Hops[^1];
        Task<OutboundLink> firstDecode = DialAsync(first, ConnectionClass.Decode, dialPatience, cancellationToken);
        Task<OutboundLink> firstBulk = DialAsync(first, ConnectionClass.Bulk, dialPatience, cancellationToken);
        Task<OutboundLink> lastDecode = DialAsync(last, ConnectionClass.Decode, dialPatience, cancellationToken);
        Task<OutboundLink> lastBulk = DialAsync(last, ConnectionClass.Bulk, dialPatience, cancellationToken);
        await Task.WhenAll(firstDecode, firstBulk, lastDecode, lastBulk);
        OutboundLink bulk = await firstBulk;
        OutboundLink[] used = [await firstDecode, bulk, await lastDecode, await lastBulk];
        foreach (OutboundLink link in used.Distinct())
        {
            link.Clock.Forget(_id);
            lock (_lock)
            {
                epoch.Links.Add(link);
                if (!_registered.Contains(link))
                    _registered.Add(link);
            }

            if (!link.TryRegister(_id, this))
                throw new SwarmException(FaultKind.PeerLost, $"{link.Address}: the link broke", link.Peer);
        }

        OpenSession request;
        lock (_lock)
        {
            epoch.FirstDecode = used[0];
            epoch.FirstBulk = bulk;
            epoch.Confirmed = _steps.Confirmed;
            request = Request(epoch.Hops);
            if (epoch.Number == 0 && _offered > 0)
                request.PrefixLabels.Add(_labels!.First(_offered));
            request.Confirmed = (uint)epoch.Confirmed;
            request.Valid = (uint)_steps.Valid;
            _steps.OnTold();
            foreach (ChainHop hop in epoch.Hops)
            {
                _holders.RemoveAll(holder => holder.Peer == hop.Peer);
                _holders.Add(hop);
            }
        }

        Send(epoch, await lastDecode, new LinkFrame { Attach = new Attach() }, null);
        Send(epoch, await lastBulk, new LinkFrame { Attach = new Attach() }, null);
        Send(epoch, bulk, new LinkFrame { Open = request }, null);
        return await epoch.Opened.Here().WaitAsync(patience, _around.Time, cancellationToken);
    }

    /// <summary>
    /// Fills the first hop from where it says, from the source up to the first step that has not come back, and lets the steps go on from there. False: the
    /// chain broke meanwhile.
    /// </summary>
    internal async Task<bool> ResumeAsync(ChainEpoch epoch, Opened opened, MendCause cause, CancellationToken cancellationToken)
    {
        int start = (int)Math.Min(opened.Hops[0].Start, int.MaxValue);
        int at = start;
        while (true)
        {
            Task? ack = null;
            Step? step = null;
            lock (_lock)
            {
                if (_state != ChainState.Mending || epoch != _epoch || epoch.Fault is not null)
                    return false;
                int target = _steps.FirstPosition;
                if (at >= target)
                {
                    Activate(epoch, opened, start, cause);
                    break;
                }

                if (epoch.Unacknowledged >= ReplayWindow)
                    ack = epoch.NextAck();
                else
                    step = NewReplay(epoch, at, Math.Min(ReplayTokens, target - at));
            }

            if (ack is not null)
            {
                await ack.Here().WaitAsync(cancellationToken);
                continue;
            }

            int count = (int)step!.Count;
            SendStep(epoch, epoch.FirstBulk!, step, _feed.Again(at, count));
            at += count;
        }

        Flush();
        return true;
    }

    // Under the lock.
    private Step NewReplay(ChainEpoch epoch, int position, int count)
    {
        var step = new Step
        {
            Number = epoch.TakeNumber(), Position = (uint)position, Count = (uint)count, Outputs = Outputs.None, Confirmed = (uint)_steps.Confirmed, Replay = true,
        };
        if (_labels is not null)
            step.PrefixLabels.Add(_labels.Again(position, count));
        return step;
    }

    // Under the lock: the chain is open for the first time.
    private void Begin(HopOpened first)
    {
        int most = _offered * ChainLimits.LabelPositions;
        if (first.Start > most)
        {
            ChainHop hop = _epoch.Hops[0];
            throw new SwarmException(
                FaultKind.ProtocolViolation, $"{hop.Address}: opened from position {first.Start}, expected at most {most}", hop.Peer, (hop.Blocks.Start, hop.Blocks.End));
        }

        _steps.Begin((int)first.Start);
    }

    /// <summary>The chain stays as it was: whoever leaves is still there, and nobody else has the blocks.</summary>
    internal void Stay()
    {
        lock (_lock)
        {
            if (_state != ChainState.Mending)
                return;
            _cause = null;
            _state = ChainState.Active;
            if (_epoch.Fault is not null)
                StartMending(new MendCause(_around.Time.GetTimestamp()));
        }

        Flush();
    }

    /// <summary>Those who hold something of the session and are not part of its chain now; they are forgotten here.</summary>
    internal IReadOnlyList<ChainHop> TakeLeft()
    {
        lock (_lock)
        {
            ChainHop[] left = [.. _holders.Where(holder => _epoch.Find(holder.Peer!.Value) is null)];
            _holders.RemoveAll(holder => left.Contains(holder));
            return left;
        }
    }

    /// <summary>Everybody who may hold something of the session.</summary>
    internal IReadOnlyList<ChainHop> Holders
    {
        get
        {
            lock (_lock)
                return [.. _holders];
        }
    }

    /// <summary>Says something to a hop by a link of this side's own; best effort.</summary>
    internal async Task TellAsync(ChainHop hop, LinkFrame frame)
    {
        try
        {
            OutboundLink link = await _around.Links.GetAsync(hop.Dial, ConnectionClass.Bulk, CancellationToken.None);
            link.Sender.Send(new LinkMessage(frame.Address(_id, _epoch.Number)), CountSent);
        }
        catch (Exception exception) when (exception is SwarmException or ObjectDisposedException or OperationCanceledException)
        {
            // It ends the session by itself soon.
        }
    }

    /// <summary>Ends what waits, and the session itself unless it may look for a way again.</summary>
    internal void End(SwarmException fault, ChainState state)
    {
        IReadOnlyList<PendingStep> pending;
        lock (_lock)
        {
            if (_state is ChainState.Failed or ChainState.Closed)
            {
                _state = state == ChainState.Closed ? state : _state;
                return;
            }

            _state = state;
            _fault = state == ChainState.Stranded ? null : fault;
            _cause = null;
            _trying = default;
            pending = _steps.Clear();
            _epoch.Break(fault);
        }

        foreach (PendingStep step in pending)
        {
            step.Input.Dispose();
            step.Completion.TrySetException(fault);
            _ = step.Completion.Task.Exception;
        }
    }

    private static SwarmException Lie(OutboundLink link, string message) =>
        new(FaultKind.CorruptPacket, $"{link.Address} (peer {link.Peer.Short}): {message}", link.Peer);

    // What overwritten steps were fed with is not known any more; who still waits for one has overtaken itself.
    private static void GiveBack(IReadOnlyList<PendingStep> overwritten)
    {
        foreach (PendingStep step in overwritten)
        {
            step.Input.Dispose();
            step.Completion.TrySetException(new SwarmException(
                FaultKind.Cancelled, $"step at {step.Position}: the chain broke after a later step had overwritten it"));
            _ = step.Completion.Task.Exception;
        }
    }

    private ActivationCodec CodecAt(int boundary) => _shape.RoundingPoints.Contains(boundary) ? _shape.Codec : ActivationCodec.F32;

    private ChainEpoch NewEpoch(uint number, IReadOnlyList<ChainHop> hops) =>
        new(number, hops, _shape.RoundingPoints, _shape.Codec.Name) { Observer = new HopObserver(hops, _around.Directory) };

    private OpenSession Request(IReadOnlyList<ChainHop> hops)
    {
        var request = new OpenSession
        {
            ModelIdentity = _around.Directory.ModelIdentity,
            Codec = _shape.Codec.Id,
            MaxPositions = (uint)_shape.MaxPositions,
            KvNeed = (uint)_shape.ExpectedPositions,
            Ends = _sampling is null ? Ends.Local : Ends.Swarm,
            Sampling = _sampling,
        };
        request.RoundingPoints.AddRange(_shape.RoundingPoints.Select(point => (uint)point));
        request.Hops.AddRange(hops.Select(hop => new Hop
        {
            Peer = hop.Peer!.Value.ToByteString(),
            Addresses = { hop.Dial.Addresses.Take(ChainLimits.MaxAddresses).Select(address => address.ToString()) },
            FirstBlock = (uint)hop.Blocks.Start,
            EndBlock = (uint)hop.Blocks.End,
        }));
        return request;
    }

    // Under the lock. Gives the session's length.
    private int CheckStep(int position, int count)
    {
        if (_fault is not null)
            throw _fault;
        StepRules.Check(position, count, _steps.Length, MaxPositions);
        return _steps.Length;
    }

    private async Task<OutboundLink> DialAsync(ChainHop hop, ConnectionClass purpose, TimeSpan patience, CancellationToken cancellationToken)
    {
        try
        {
            return await _around.Links.GetAsync(hop.Dial, purpose, cancellationToken).Here().WaitAsync(patience, _around.Time, cancellationToken);
        }
        catch (SwarmException exception)
        {
            throw new SwarmException(exception.Fault, exception.Message, hop.Peer, (hop.Blocks.Start, hop.Blocks.End), exception);
        }
        catch (TimeoutException exception)
        {
            throw new SwarmException(
                FaultKind.PeerUnreachable, $"{hop.Address}: no greeting within {patience.TotalSeconds:0.#} s", hop.Peer, (hop.Blocks.Start, hop.Blocks.End), exception);
        }
    }

    // Sends what may go out, in order. Numbers are given under the lock; who overtakes whom after that does not matter.
    private void Flush()
    {
        while (true)
        {
            PendingStep? step;
            StepInput input;
            ChainEpoch epoch;
            ulong number;
            int confirmed;
            lock (_lock)
            {
                if (_state != ChainState.Active || (step = _steps.NextToSend()) is null)
                    return;
                // What a window needs before an earlier position may be gone: each hop says anew from where it needs to be fed.
                if (step.IsRollback && (_steps.MayRepeat || (_around.HasWindows && !step.IsTold)))
                {
                    StartMending(new MendCause(_around.Time.GetTimestamp()) { IsRenewal = true });
                    return;
                }

                epoch = _epoch;
                number = epoch.TakeNumber();
                _steps.OnSent(step);
                confirmed = _steps.Confirmed;
                input = step.Input.Share();
            }

            SendStep(
                epoch, step.Count <= DecodeTokens ? epoch.FirstDecode! : epoch.FirstBulk!,
                new Step
                {
                    Number = number, Position = (uint)step.Position, Count = (uint)step.Count, Outputs = (Outputs)step.Outputs, Confirmed = (uint)confirmed, PrefixLabels = { step.Labels },
                },
                input);
        }
    }

    private void SendStep(ChainEpoch epoch, OutboundLink link, Step step, StepInput input)
    {
        step.Codec = _inputCodec.Id;
        input.Describe(step);
        link.Clock.Sent(_id, step.Number);
        Send(epoch, link, new LinkFrame { Step = step }, input.Packet);
    }

    private void Send(ChainEpoch epoch, OutboundLink link, LinkFrame frame, HiddenPacket? packet) =>
        LinkMessages.Split(frame.Address(_id, epoch.Number), packet, message => link.Sender.Send(message, CountSent));

    private void CountSent(LinkMessage message)
    {
        lock (_lock)
            _sentBytes += message.WireBytes;
    }

    // Something broke a wiring; reporter: the hop that says so.
    internal void Break(ChainEpoch epoch, SwarmException fault, PeerId? reporter = null)
    {
        lock (_lock)
        {
            if (_state is ChainState.Failed or ChainState.Closed || epoch != _epoch)
                return;
            epoch.Break(fault);
            if (_state == ChainState.Opening)
                return;
            _troubles.Add(new ChainTrouble(fault, fault.Peer, reporter));
            if (_state == ChainState.Active)
                StartMending(new MendCause(_around.Time.GetTimestamp()));
        }
    }

    // Under the lock.
    private void StartMending(MendCause cause)
    {
        // One that did not live to see a result is told of all the same.
        if (_cause?.Recovery is { } before)
            Tell(before, _cause);
        _state = ChainState.Mending;
        _cause = cause;
        _mending = new ChainMender(this, _around, _rules, _grace, cause).RunAsync(_closing.Token);
    }

    // Under the lock.
    private void Activate(ChainEpoch epoch, Opened opened, int start, MendCause cause)
    {
        _steps.OnHeld(start);
        _open = epoch;
        _state = ChainState.Active;
        _telemetry = [];
        foreach (OutboundLink link in _registered.Where(link => !epoch.Links.Contains(link)).ToArray())
        {
            _registered.Remove(link);
            link.Unregister(_id);
            if (_arriving.Remove(link, out ResultArrival? arrival))
                arrival.Dispose();
        }

        if (cause.IsRenewal)
        {
            _cause = null;
            return;
        }

        RecoveryFigures figures = RecoveryFigures.Of(opened.Hops, epoch.Confirmed);
        cause.Recovery = new ChainRecovery(
            cause.Reason ?? nameof(FaultKind.NoRoute), cause.Peer, cause.Blocks, figures.ReplayedTokens, figures.ReplayDepth, figures.RecomputedDownstreamTokens,
            TimeSpan.Zero, (int)epoch.Number);
        _cause = cause;
        if (_steps.Count == 0)
        {
            Tell(cause.Recovery, cause);
            _cause = null;
        }
    }

    // Under the lock.
    private void Tell(ChainRecovery recovery, MendCause cause) =>
        _recoveries.Enqueue(recovery with { Pause = _around.Time.GetElapsedTime(cause.Noticed) });

    private void OnLeaving(OutboundLink link, Leaving leaving)
    {
        PeerId peer = PeerId.TryRead(leaving.Peer, out PeerId named) ? named : link.Peer;
        lock (_lock)
        {
            _leaving.Add(peer);
            LeavePolitely();
        }
    }

    // Under the lock. Between two steps: who is about to go is planned away while it still answers.
    private void LeavePolitely()
    {
        if (_leaving.Count == 0 || !IsAtRest)
            return;
        _leaving.RemoveWhere(peer => _epoch.Find(peer) is null);
        if (_leaving.Count == 0 || !IsPoliteAfter(PoliteInterval))
            return;
        foreach (PeerId peer in _leaving)
            _rules.Avoid(peer, _around.Time.GetElapsedTime(0));
        Leave(_epoch.Find(_leaving.Min)!, "Leaving");
    }

    // Between two steps: who turned out much slower than it said is left, if another promises so much more that filling it anew is worth while.
    private void LeaveTheSlow()
    {
        ChainEpoch epoch;
        IReadOnlyList<TimeSpan>? measured;
        IReadOnlyList<TimeSpan> promised;
        int length;
        lock (_lock)
        {
            epoch = _epoch;
            promised = epoch.Observer.Promised;
            length = _steps.Length;
            if (!IsAtRest || !IsPoliteAfter(LeaveRule.Interval) || (_slowLook is { } last && _around.Time.GetElapsedTime(last) < LeaveRule.LookInterval))
                return;
            measured = epoch.Observer.Measured;
            if (measured is null)
                return;
            _slowLook = _around.Time.GetTimestamp();
        }

        for (int index = 0; index < epoch.Hops.Count; index++)
        {
            ChainHop hop = epoch.Hops[index];
            if (!LeaveRule.IsSlow(measured[index], promised[index])
                || !LeaveRule.ShouldLeave(
                    measured[index], promised[index], ChainMender.Alternative(_around, epoch.Hops, hop, Room) * LeaveRule.Doubt(measured, promised, index), _shape.ExpectedPositions - length, length))
                continue;
            lock (_lock)
            {
                if (epoch != _epoch || !IsAtRest)
                    return;
                _rules.Avoid(hop.Peer!.Value, _around.Time.GetElapsedTime(0));
                Leave(hop, "PeerSlow");
            }

            return;
        }
    }

    // Under the lock.
    private bool IsAtRest => _state == ChainState.Active && _steps.Count == 0;

    private bool IsPoliteAfter(TimeSpan interval) => _politeAttempt is not { } last || _around.Time.GetElapsedTime(last) >= interval;

    private void Leave(ChainHop hop, string reason)
    {
        long now = _around.Time.GetTimestamp();
        _politeAttempt = now;
        StartMending(new MendCause(now) { IsPolite = true, Reason = reason, Peer = hop.Peer, Blocks = hop.Blocks });
    }

    private void OnResult(OutboundLink link, ChainEpoch epoch, LinkFrame frame)
    {
        StepResult result = frame.Result;
        PendingStep? step;
        lock (_lock)
        {
            if (_state is ChainState.Failed or ChainState.Closed)
                return;
            step = frame.Epoch <= epoch.Number ? _steps.Find(result.Position, result.Count, frame.Epoch) : null;
            _resultEpoch = frame.Epoch;
            if (frame.Epoch == epoch.Number && result.Telemetry.Count == epoch.Hops.Count)
            {
                _telemetry = result.Telemetry;
                epoch.Observer.Observe(result.Telemetry);
            }
        }

        if (step is not null && result.Rows != step.Rows)
        {
            Break(epoch, Lie(link, $"result of step {result.Number}: {result.Rows} rows at {result.Position} for {result.Count} tokens, expected {step.Rows}"));
            return;
        }

        if (step is not null && (result.TokenIds.Count != step.Ids || result.TokenIds.Any(id => id >= (uint)_around.Vocabulary)))
        {
            Break(epoch, Lie(link, $"result of step {result.Number}: ids {result.TokenIds} at {result.Position}, expected {step.Ids} below {_around.Vocabulary}"));
            return;
        }

        if (result.Rows == 0)
        {
            if (step is not null)
                Complete(step, frame.Epoch, result.TokenIds.Count > 0 ? (int)result.TokenIds[0] : null);
            return;
        }

        HiddenPacket? packet = null;
        if (step is not null)
        {
            int most = _outputCodec.MaxEncodedBytes(step.Rows, _around.Hidden);
            if (result.Codec != _outputCodec.Id || result.EncodedBytes is 0 || result.EncodedBytes > (ulong)most)
            {
                Break(epoch, Lie(link, $"result of step {result.Number}: codec {result.Codec}, {result.EncodedBytes} bytes, expected codec {_outputCodec.Id}, at most {most} bytes"));
                return;
            }

            packet = new HiddenPacket(step.Rows, _around.Hidden, _outputCodec, (int)result.EncodedBytes);
        }

        lock (_lock)
        {
            if (_arriving.Remove(link, out ResultArrival? unfinished))
                unfinished.Dispose();
            _arriving[link] = new ResultArrival(result, frame.Epoch, step, packet);
        }
    }

    private void OnPart(OutboundLink link, ChainEpoch epoch, TensorPart part)
    {
        ResultArrival? arrival;
        string? defect;
        bool complete = false;
        lock (_lock)
        {
            // Rows are written under the lock: a fault that comes by another link frees their memory.
            if (_state is ChainState.Failed or ChainState.Closed)
                return;
            defect = _arriving.TryGetValue(link, out arrival) ? arrival.Add(part) : "chunk: no result announced it";
            if (arrival is not null && (defect is not null || arrival.IsComplete))
            {
                complete = defect is null && arrival.Step is { } step && _steps.Contains(step);
                if (complete && !arrival.Step!.IsAbandoned
                    && !arrival.Packet!.TryDecode(arrival.Step.Result.Span[..(arrival.Step.Rows * _around.Hidden)], out string? error))
                {
                    defect = $"result of step {arrival.Header.Number}: {error}";
                }

                _arriving.Remove(link);
                arrival.Dispose();
            }
        }

        if (defect is not null)
            Break(epoch, Lie(link, defect));
        else if (complete)
            Complete(arrival!.Step!, arrival.Epoch);
    }

    private async Task WaitAsync(PendingStep pending, CancellationToken cancellationToken)
    {
        try
        {
            await pending.Completion.Task.Here().WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            lock (_lock)
                pending.Abandon();
            throw;
        }
    }

    private void Complete(PendingStep step, uint epoch, int? chosen = null)
    {
        bool more;
        lock (_lock)
        {
            if (!_steps.Remove(step, epoch))
                return;
            if (chosen is { } id && !step.IsAbandoned)
                step.Next.Span[0] = id;
            _trying = default;
            if (_cause?.Recovery is { } recovery && _state == ChainState.Active)
            {
                Tell(recovery, _cause);
                _cause = null;
            }

            more = _steps.HasUnsent;
            LeavePolitely();
        }

        LeaveTheSlow();
        step.Input.Dispose();
        step.Completion.TrySetResult();
        if (more)
            Flush();
    }

    private SwarmException Received(ChainEpoch epoch, OutboundLink link, Fault fault)
    {
        PeerId peer = PeerId.TryRead(fault.Peer, out PeerId named) && epoch.Find(named) is not null ? named : link.Peer;
        ChainHop? hop = epoch.Find(peer);
        (int, int)? blocks = fault.EndBlock > 0 ? ((int)fault.FirstBlock, (int)fault.EndBlock)
            : hop is not null ? (hop.Blocks.Start, hop.Blocks.End) : null;
        string message = fault.Message.Length <= ChainLimits.MaxFaultMessage ? fault.Message : fault.Message[..ChainLimits.MaxFaultMessage];
        string address = hop?.Address ?? link.Address.ToString();
        // A hop that speaks of the next one names it already.
        string rest = message.StartsWith(address + ": ", StringComparison.Ordinal) ? message[(address.Length + 2)..] : message;

        // Whom one hop refuses, or seems to, is the other hop: this client was let in.
        FaultKind kind = fault.Kind == FaultKind.NotAMember ? FaultKind.PeerUnreachable : fault.Kind;
        return new SwarmException(kind, $"{address} (peer {peer.Short}): {rest}", peer, blocks);
    }

    private List<HopFigures> HopFigures()
    {
        var figures = new List<HopFigures>(_open.Hops.Count);
        for (int index = 0; index < _open.Hops.Count; index++)
        {
            ChainHop hop = _open.Hops[index];
            HopTelemetry own = index < _telemetry.Count ? _telemetry[index] : new HopTelemetry();
            double network = index == 0 ? _network.TotalSeconds : index - 1 < _telemetry.Count ? _telemetry[index - 1].LinkMicros / 1e6 : 0;
            figures.Add(new HopFigures(
                hop.Peer, hop.Address, hop.Blocks, own.ComputeMicros / 1e6, own.QueueMicros / 1e6, network, (long)own.ForwardedDirectly,
                (long)own.HiddenBytes, (long)own.HiddenValues, (long)own.Tokens, (long)own.Passes)
            {
                ReplayedTokens = (long)own.ReplayedTokens,
                PrefixTokens = (long)own.PrefixTokens,
                RecomputedTokens = (long)own.RecomputedTokens,
            });
        }

        return figures;
    }
}
