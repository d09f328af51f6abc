using Google.Protobuf;
using Swarm.Kernels.Codecs;
using Swarm.Models;
using Swarm.Protocol;
using Swarm.Protocol.Links;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;

namespace Swarm.Client;

/// <summary>
/// Step 5: a session over a chain of nodes. Steps go to the first hop, which sends them on; results come straight from the last. Nothing in
/// between passes through here.
/// </summary>
internal sealed class RemoteChainSession : IChainSession, ILinkHandler
{
    // A step of at most so many tokens goes by the connection where delay matters.
    private const int DecodeTokens = 8;

    private readonly Lock _lock = new();
    private readonly SessionId _id;
    private readonly SessionShape _shape;
    private readonly int _hidden;
    private readonly HopObserver? _observer;
    private readonly ActivationCodec _inputCodec;
    private readonly ActivationCodec _outputCodec;
    private readonly SortedDictionary<ulong, PendingStep> _pending = [];
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<OutboundLink> _links = [];

    // The result whose rows are arriving, on each link.
    private readonly Dictionary<OutboundLink, PendingStep> _arriving = [];
    private OutboundLink _firstDecode = null!;
    private OutboundLink _firstBulk = null!;
    private ulong _nextStep;
    private int _length;
    private long _steps;
    private long _sentBytes;
    private long _receivedBytes;
    private TimeSpan _network;
    private IReadOnlyList<HopTelemetry> _telemetry = [];
    private SwarmException? _fault;

    private RemoteChainSession(SessionId id, SessionShape shape, IReadOnlyList<ChainHop> hops, int hidden, HopObserver? observer)
    {
        _observer = observer;
        _id = id;
        _shape = shape;
        _hidden = hidden;
        _inputCodec = CodecAt(shape.Blocks.Start);
        _outputCodec = CodecAt(shape.Blocks.End);
        Route = new ChainRoute(hops, shape.RoundingPoints, shape.Codec.Name, 0);
    }

    public BlockSpan Blocks => _shape.Blocks;

    public int Length
    {
        get
        {
            lock (_lock)
                return _length;
        }
    }

    public int MaxPositions => _shape.MaxPositions;

    public ChainRoute Route { get; }

    public int Window => 2 * Route.Hops.Count + 2;

    public bool IsUsable
    {
        get
        {
            lock (_lock)
                return _fault is null;
        }
    }

    public ChainFigures Figures
    {
        get
        {
            lock (_lock)
                return new ChainFigures(_steps, _sentBytes, _receivedBytes, HopFigures());
        }
    }

    /// <summary>Opens the chain: results are attached to the last hop, the request goes to the first and from hop to hop.</summary>
    public static async Task<RemoteChainSession> OpenAsync(
        LinkPool pool, SessionId id, SessionShape shape, IReadOnlyList<ChainHop> hops, int hidden, ByteString modelIdentity,
        TimeSpan patience, TimeProvider time, HopObserver? observer, CancellationToken cancellationToken)
    {
        var session = new RemoteChainSession(id, shape, hops, hidden, observer);
        try
        {
            await session.ConnectAsync(pool, cancellationToken);
            session.Send(session._firstBulk, new LinkFrame { Open = Request(shape, hops, modelIdentity) }, null);
            await session._opened.Task.Here().WaitAsync(patience, time, cancellationToken);
            return session;
        }
        catch (TimeoutException exception)
        {
            await session.DisposeAsync();
            throw new SwarmException(
                FaultKind.PeerUnreachable, $"{hops[0].Address}: the chain was not open within {patience.TotalSeconds:0.#} s", hops[0].Peer, inner: exception);
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
        int rows = outputs switch
        {
            OutputRows.None => 0,
            OutputRows.Last => 1,
            _ => count,
        };
        PendingStep pending;
        var step = new Step { Position = (uint)position, Count = (uint)count, Outputs = (Outputs)outputs, Codec = _inputCodec.Id };
        lock (_lock)
        {
            if (_fault is not null)
                throw _fault;
            StepRules.Check(position, count, _length, MaxPositions);
            ArgumentOutOfRangeException.ThrowIfLessThan(hidden.Length, count * _hidden);
            ArgumentOutOfRangeException.ThrowIfLessThan(result.Length, rows * _hidden);
            pending = new PendingStep(position, count, rows, result);
            step.Number = _nextStep++;
            _pending.Add(step.Number, pending);
            _length = position + count;
            _steps++;
        }

        // Step 6: the packet is encoded before this returns, so the caller may use its buffer again.
        HiddenPacket packet = HiddenPacket.Encode(hidden.Span, count, _hidden, _inputCodec);
        step.EncodedBytes = (ulong)packet.EncodedBytes;
        OutboundLink link = count <= DecodeTokens ? _firstDecode : _firstBulk;
        link.Clock.Sent(_id, step.Number);
        Send(link, new LinkFrame { Step = step }, packet);
        return new ValueTask(cancellationToken.CanBeCanceled ? WaitAsync(pending, cancellationToken) : pending.Completion.Task);
    }

    public ValueTask DisposeAsync()
    {
        Fail(new SwarmException(FaultKind.Cancelled, "the session is closed"));
        OutboundLink[] links;
        lock (_lock)
        {
            links = [.. _links];
            _links.Clear();
        }

        foreach (OutboundLink link in links)
        {
            link.Unregister(_id);
            if (link.Purpose == ConnectionClass.Bulk)
                link.Sender.Send(new LinkMessage(new LinkFrame { Close = new CloseSession() }.Address(_id, 0)));
        }

        return default;
    }

    public void OnFrame(OutboundLink link, LinkMessage message)
    {
        try
        {
            lock (_lock)
                _receivedBytes += message.WireBytes;
            if (message.Defect is { } defect)
            {
                Fail(Lie(link, defect));
                return;
            }

            LinkFrame frame = message.Frame;
            switch (frame.BodyCase)
            {
                case LinkFrame.BodyOneofCase.Opened:
                    _opened.TrySetResult();
                    break;
                case LinkFrame.BodyOneofCase.Ack:
                    TimeSpan way = link.Clock.Acknowledged(_id, frame.Ack.Number);
                    lock (_lock)
                        _network += way;
                    break;
                case LinkFrame.BodyOneofCase.Fault:
                    Fail(Received(link, frame.Fault));
                    break;
                case LinkFrame.BodyOneofCase.Result:
                    OnResult(link, frame.Result);
                    break;
                case LinkFrame.BodyOneofCase.Progress:
                case LinkFrame.BodyOneofCase.Leaving:
                    break;
                case LinkFrame.BodyOneofCase.None when message.Part is not null:
                    break;
                default:
                    Fail(Lie(link, $"frame: {frame.BodyCase}, expected Opened, StepAck, StepResult, Fault or Progress"));
                    break;
            }

            if (message.Part is { } part)
                OnPart(link, part);
        }
        finally
        {
            message.Release();
        }
    }

    public void OnBroken(OutboundLink link, SwarmException reason)
    {
        ChainHop hop = Route.Hops.FirstOrDefault(candidate => candidate.Peer == link.Peer) ?? Route.Hops[0];
        Fail(new SwarmException(reason.Fault, reason.Message, hop.Peer, (hop.Blocks.Start, hop.Blocks.End), reason));
    }

    private static OpenSession Request(SessionShape shape, IReadOnlyList<ChainHop> hops, ByteString modelIdentity)
    {
        var request = new OpenSession
        {
            ModelIdentity = modelIdentity,
            Codec = shape.Codec.Id,
            MaxPositions = (uint)shape.MaxPositions,
            KvNeed = (uint)shape.ExpectedPositions,
        };
        request.RoundingPoints.AddRange(shape.RoundingPoints.Select(point => (uint)point));
        request.Hops.AddRange(hops.Select(hop => new Hop
        {
            Peer = hop.Peer!.Value.ToByteString(),
            Addresses = { hop.Dial.Addresses.Take(ChainLimits.MaxAddresses).Select(address => address.ToString()) },
            FirstBlock = (uint)hop.Blocks.Start,
            EndBlock = (uint)hop.Blocks.End,
        }));
        return request;
    }

    private static SwarmException Lie(OutboundLink link, string message) =>
        new(FaultKind.CorruptPacket, $"{link.Address} (peer {link.Peer.Short}): {message}", link.Peer);

    private ActivationCodec CodecAt(int boundary) => _shape.RoundingPoints.Contains(boundary) ? _shape.Codec : ActivationCodec.F32;

    private async Task ConnectAsync(LinkPool pool, CancellationToken cancellationToken)
    {
        ChainHop first = Route.Hops[0];
        ChainHop last = Route.Hops[^1];
        Task<OutboundLink> firstDecode = GetAsync(first, ConnectionClass.Decode);
        Task<OutboundLink> firstBulk = GetAsync(first, ConnectionClass.Bulk);
        Task<OutboundLink> lastDecode = GetAsync(last, ConnectionClass.Decode);
        Task<OutboundLink> lastBulk = GetAsync(last, ConnectionClass.Bulk);
        await Task.WhenAll(firstDecode, firstBulk, lastDecode, lastBulk);
        _firstDecode = await firstDecode;
        _firstBulk = await firstBulk;
        OutboundLink[] used = [_firstDecode, _firstBulk, await lastDecode, await lastBulk];
        foreach (OutboundLink link in used.Distinct())
        {
            if (!link.TryRegister(_id, this))
                throw new SwarmException(FaultKind.PeerLost, $"{link.Address}: the link broke", link.Peer);
            lock (_lock)
                _links.Add(link);
        }

        Send(await lastDecode, new LinkFrame { Attach = new Attach() }, null);
        Send(await lastBulk, new LinkFrame { Attach = new Attach() }, null);

        async Task<OutboundLink> GetAsync(ChainHop hop, ConnectionClass purpose)
        {
            try
            {
                return await pool.GetAsync(hop.Dial, purpose, cancellationToken);
            }
            catch (SwarmException exception)
            {
                throw new SwarmException(exception.Fault, exception.Message, hop.Peer, (hop.Blocks.Start, hop.Blocks.End), exception);
            }
        }
    }

    private void Send(OutboundLink link, LinkFrame frame, HiddenPacket? packet) =>
        LinkMessages.Split(frame.Address(_id, 0), packet, message => link.Sender.Send(message, CountSent));

    private void CountSent(LinkMessage message)
    {
        lock (_lock)
            _sentBytes += message.WireBytes;
    }

    private void OnResult(OutboundLink link, StepResult result)
    {
        PendingStep? pending;
        lock (_lock)
        {
            _pending.TryGetValue(result.Number, out pending);
            if (result.Telemetry.Count == Route.Hops.Count)
            {
                _telemetry = result.Telemetry;
                _observer?.Observe(result.Telemetry);
            }
        }

        if (pending is null)
        {
            Fail(Lie(link, $"result: step {result.Number}, which was not sent or has come back already"));
            return;
        }

        if (result.Rows != pending.Rows || result.Position != pending.Position || result.Count != pending.Count)
        {
            Fail(Lie(link, $"result of step {result.Number}: {result.Rows} rows at {result.Position} for {result.Count} tokens, expected {pending.Rows} at {pending.Position} for {pending.Count}"));
            return;
        }

        if (pending.Rows == 0)
        {
            Complete(link, result.Number, pending);
            return;
        }

        int most = _outputCodec.MaxEncodedBytes(pending.Rows, _hidden);
        if (result.Codec != _outputCodec.Id || result.EncodedBytes is 0 || result.EncodedBytes > (ulong)most)
        {
            Fail(Lie(link, $"result of step {result.Number}: codec {result.Codec}, {result.EncodedBytes} bytes, expected codec {_outputCodec.Id}, at most {most} bytes"));
            return;
        }

        pending.Header = result;
        pending.Packet = new HiddenPacket(pending.Rows, _hidden, _outputCodec, (int)result.EncodedBytes);
        lock (_lock)
            _arriving[link] = pending;
    }

    private void OnPart(OutboundLink link, TensorPart part)
    {
        PendingStep? pending;
        string? defect;
        lock (_lock)
        {
            // Rows are written under the lock: a fault that comes by another link frees their memory.
            if (_fault is not null)
                return;
            _arriving.TryGetValue(link, out pending);
            defect = pending is null ? "chunk: no result announced it" : Add(pending, part);
        }

        if (defect is not null)
            Fail(Lie(link, defect));
        else if (pending!.Filled == pending.Packet!.EncodedBytes)
            Complete(link, pending.Header!.Number, pending);
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

    private string? Add(PendingStep pending, TensorPart part)
    {
        HiddenPacket packet = pending.Packet!;
        int filled = pending.Filled;
        if (packet.Add(part, ref filled) is { } defect)
            return defect;
        pending.Filled = filled;
        if (pending.Filled < packet.EncodedBytes || pending.IsAbandoned || packet.TryDecode(pending.Result.Span[..(pending.Rows * _hidden)], out string? error))
            return null;
        return $"result of step {pending.Header!.Number}: {error}";
    }

    private void Complete(OutboundLink link, ulong number, PendingStep pending)
    {
        lock (_lock)
        {
            if (!_pending.Remove(number))
                return;
            if (_arriving.TryGetValue(link, out PendingStep? arriving) && arriving == pending)
                _arriving.Remove(link);
        }

        pending.Packet?.Dispose();
        pending.Packet = null;
        pending.Completion.TrySetResult();
    }

    private void Fail(SwarmException fault)
    {
        PendingStep[] pending;
        lock (_lock)
        {
            _fault ??= fault;
            fault = _fault;
            pending = [.. _pending.Values];
            _pending.Clear();
            _arriving.Clear();
            foreach (PendingStep step in pending)
                step.Packet?.Dispose();
        }

        _opened.TrySetException(fault);
        // Whoever opened may have given up already.
        _ = _opened.Task.Exception;
        foreach (PendingStep step in pending)
        {
            step.Completion.TrySetException(fault);
            _ = step.Completion.Task.Exception;
        }
    }

    private SwarmException Received(OutboundLink link, Fault fault)
    {
        PeerId peer = PeerId.TryRead(fault.Peer, out PeerId named) ? named : link.Peer;
        ChainHop? hop = Route.Hops.FirstOrDefault(candidate => candidate.Peer == peer);
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
        var figures = new List<HopFigures>(Route.Hops.Count);
        for (int index = 0; index < Route.Hops.Count; index++)
        {
            ChainHop hop = Route.Hops[index];
            HopTelemetry own = index < _telemetry.Count ? _telemetry[index] : new HopTelemetry();
            double network = index == 0 ? _network.TotalSeconds : index - 1 < _telemetry.Count ? _telemetry[index - 1].LinkMicros / 1e6 : 0;
            figures.Add(new HopFigures(
                hop.Peer, hop.Address, hop.Blocks, own.ComputeMicros / 1e6, own.QueueMicros / 1e6, network, (long)own.ForwardedDirectly,
                (long)own.HiddenBytes, (long)own.HiddenValues, (long)own.Tokens, (long)own.Passes));
        }

        return figures;
    }
}
