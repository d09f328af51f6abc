using Google.Protobuf.Collections;
using Swarm.Protocol;
using Swarm.Protocol.Links;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;

namespace Swarm.Node.Sessions;

/// <summary>
/// A session's way to the next hop in one epoch: it sends steps on itself, the client never relays. An output that finds the way free goes as it is; what does not fit into
/// the window, or comes before the way is open, goes later, from the retained rows. So does what a next hop lacks that has taken another's place.
/// </summary>
/// <param name="session">The session.</param>
/// <param name="epoch">The epoch.</param>
/// <param name="plan">What the epoch asks of this hop.</param>
/// <param name="table">Who is told what comes back.</param>
/// <param name="links">The way to dial.</param>
/// <param name="hidden">Values of a row.</param>
internal sealed class Downstream(NodeSession session, uint epoch, SessionPlan plan, SessionTable table, LinkPool links, int hidden) : ILinkHandler
{
    private const int Unknown = -1;

    private readonly OutputLog _log = session.Outputs!;

    // All that follows under the log's gate.
    private readonly SendWindow _window = new();

    // Outputs that a step back would have overwritten before they went.
    private readonly Queue<(Stretch Stretch, HiddenPacket Packet)> _overtaken = [];
    private OutboundLink? _decode;
    private OutboundLink? _bulk;
    private bool _isAsked;
    private bool _isReady;
    private bool _isEnded;
    private bool _isSuspended;
    private bool _saysFarewell;

    // Somebody sends, who also sends what comes meanwhile: one packet after the other.
    private bool _isSending;

    // What the next hop has or was sent ends here; in a later epoch, and where it may have pages of an earlier session, it says itself what it has.
    private int _cursor = epoch == 0 && !session.LooksForPages ? 0 : Unknown;
    private ulong _number;
    private RepeatedField<HopTelemetry> _telemetry = [];

    /// <summary>Most bytes that were on their way at once.</summary>
    public long MostBytesOnTheirWay
    {
        get
        {
            lock (_log.Gate)
                return _window.MostBytes;
        }
    }

    /// <summary>Dials the next hop, for decode and for bulk, and asks it for the session.</summary>
    public async Task OpenAsync(OpenSession request)
    {
        try
        {
            PeerEndpoint next = plan.NextEndpoint!;
            Task<OutboundLink> decode = links.GetAsync(next, ConnectionClass.Decode, CancellationToken.None);
            OutboundLink bulk = await links.GetAsync(next, ConnectionClass.Bulk, CancellationToken.None);
            Start(await decode, bulk, request);
        }
        catch (SwarmException exception)
        {
            Fault(exception.Fault, exception.Message);
        }
        catch (ObjectDisposedException)
        {
            Fault(FaultKind.Draining, "this node stops");
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            Fault(FaultKind.Internal, $"dialling the next hop failed: {exception.Message}");
        }
    }

    /// <summary>Step 11: retains a step's output and sends it on, as soon as the way is free; takes the packet over. Never waits. The compute loop's.</summary>
    public void Forward(StepWork work, HiddenPacket packet)
    {
        Step header = work.Header;
        var step = new StepMark(work.Position, work.Count, header.Outputs, work.IsBulk);
        bool direct;
        ulong number = 0;
        lock (_log.Gate)
        {
            if (step.Position < _log.End)
                GoBack(step.Position);
            _log.Confirm((int)header.Confirmed);
            _log.Append(step, header.Replay, packet.Bytes, header.TokenIds, header.PrefixLabels);
            direct = _isReady && !_isEnded && !_isSending && _overtaken.Count == 0 && _cursor == step.Position && _window.IsOpenFor(packet.EncodedBytes);
            if (direct)
            {
                session.ForwardedDirectly++;
                _isSending = true;
                _cursor = step.End;
                number = _number++;
                _window.Sent(number, packet.EncodedBytes);
            }

            _telemetry = header.Telemetry;
            _telemetry.Add(session.Figures());
        }

        if (direct)
            Send(new Stretch(step.Position, step.Count, step.Outputs, step.IsBulk, header.Replay) { TokenIds = header.TokenIds, Labels = header.PrefixLabels }, packet, number);
        else
            packet.Dispose();
        SendWaiting(isSending: direct);
    }

    /// <summary>The next hop holds the session up to a position: what it lacks goes to it.</summary>
    public void Feed(int position)
    {
        lock (_log.Gate)
            _cursor = position;
        SendWaiting(isSending: false);
    }

    /// <summary>Tells the hops below that the way to the client is broken.</summary>
    public void Suspend()
    {
        lock (_log.Gate)
        {
            if (_isEnded || _isSuspended)
                return;
            _isSuspended = true;
            // One that overtook the request would be passed over: then it follows it.
            if (!_isReady)
                return;
        }

        SendFrame(new LinkFrame { Suspend = new Suspend() });
    }

    /// <summary>Ends the session below.</summary>
    public void Close() => End(farewell: true);

    /// <summary>Another epoch has begun: the session below is no longer this one's to end.</summary>
    public void Leave() => End(farewell: false);

    public void OnFrame(OutboundLink link, LinkMessage message)
    {
        LinkFrame frame = message.Frame;
        message.Release();
        if (frame.Epoch != epoch)
            return;
        switch (frame.BodyCase)
        {
            case LinkFrame.BodyOneofCase.Ack:
                Interlocked.Add(ref session.LinkMicros, (long)link.Clock.Acknowledged(session.Id, frame.Ack.Number, frame.Ack.Before).TotalMicroseconds);
                if (link.Clock.Shortest is { } roundTrip)
                    table.OnRoundTrip(link.Peer, roundTrip);
                lock (_log.Gate)
                    _window.Acknowledged(frame.Ack.Number, frame.Ack.Before);
                SendWaiting(isSending: false);
                break;
            case LinkFrame.BodyOneofCase.Opened:
                table.OnOpenedBelow(session, epoch, frame.Opened);
                break;
            case LinkFrame.BodyOneofCase.Fault:
                Fault fault = frame.Fault;
                if (fault.Peer.IsEmpty)
                    fault.Peer = link.Peer.ToByteString();
                // Positions were checked where the client's step came in: here two hops disagree, which is no mistake of the client's.
                if (fault.Kind == FaultKind.WrongPosition)
                    fault.Kind = FaultKind.ProtocolViolation;
                table.Fault(session, epoch, fault);
                break;
            case LinkFrame.BodyOneofCase.Leaving:
                if (frame.Leaving.Peer.IsEmpty)
                    frame.Leaving.Peer = link.Peer.ToByteString();
                table.PassOn(session, epoch, frame);
                break;
            case LinkFrame.BodyOneofCase.Progress:
                break;
            default:
                Fault(FaultKind.ProtocolViolation, $"{link.Address}: frame {frame.BodyCase} from downstream");
                break;
        }
    }

    public void OnBroken(OutboundLink link, SwarmException reason) => Fault(reason.Fault, reason.Message);

    private void Start(OutboundLink decode, OutboundLink bulk, OpenSession request)
    {
        lock (_log.Gate)
        {
            if (_isEnded)
                return;
            (_decode, _bulk) = (decode, bulk);
            _isAsked = true;
        }

        if (!decode.TryRegister(session.Id, this) || !bulk.TryRegister(session.Id, this))
        {
            Fault(FaultKind.PeerLost, $"{bulk.Address}: the link broke");
            return;
        }

        request = request.Clone();
        request.Hops.RemoveAt(0);
        SendFrame(new LinkFrame { Open = request });
        bool suspended;
        lock (_log.Gate)
        {
            _isReady = !_isEnded;
            suspended = _isSuspended;
        }

        if (suspended)
            SendFrame(new LinkFrame { Suspend = new Suspend() });
        if (_isEnded)
            Unregister();
        else
            SendWaiting(isSending: false);
    }

    private void End(bool farewell)
    {
        bool wasAsked;
        lock (_log.Gate)
        {
            if (_isEnded)
                return;
            _isEnded = true;
            _saysFarewell = farewell;
            wasAsked = _isAsked;
            foreach ((_, HiddenPacket packet) in _overtaken)
                packet.Dispose();
            _overtaken.Clear();
        }

        if (wasAsked)
            Unregister();
    }

    // A farewell that overtakes the request it is for is told again behind it.
    private void Unregister()
    {
        _decode!.Unregister(session.Id, this);
        _bulk!.Unregister(session.Id, this);
        if (_saysFarewell)
            SendFrame(new LinkFrame { Close = new CloseSession() });
    }

    // What the next hop has not been sent yet of that which is about to be overwritten is needed all the same: the client waits for its results.
    private void GoBack(int position)
    {
        long bytes = 0;
        while (!_isEnded && _cursor != Unknown && _log.TryNext(_cursor, out Stretch stretch) && bytes <= ChainLimits.MaxPendingBytes)
        {
            if (Read(ref stretch) is not { } packet)
                break;
            bytes += packet.EncodedBytes;
            _overtaken.Enqueue((stretch, packet));
            _cursor = stretch.End;
        }

        _log.Truncate(position);
        _cursor = Math.Min(_cursor, position);
    }

    private HiddenPacket? Read(ref Stretch stretch)
    {
        var packet = new HiddenPacket(stretch.Count, hidden, plan.OutputCodec, (int)_log.Bytes(stretch.Position, stretch.Count));
        if (_log.TryRead(stretch.Position, stretch.Count, packet.Bytes))
        {
            stretch = stretch with { Labels = _log.Labels.Of(stretch.Position, stretch.Count) };
            if (_log.Tokens is { } tokens)
                stretch = stretch with { TokenIds = tokens.Copy(stretch.Position, stretch.Count) };
            return packet;
        }

        packet.Dispose();
        return null;
    }

    private void SendWaiting(bool isSending)
    {
        while (true)
        {
            Stretch stretch;
            HiddenPacket? packet;
            ulong number;
            lock (_log.Gate)
            {
                if (_isSending && !isSending)
                    return;
                _isSending = TryTake(out stretch, out packet);
                if (!_isSending)
                    return;
                isSending = true;
                number = _number++;
                if (packet is not null)
                    _window.Sent(number, packet.EncodedBytes);
                else
                    (_isSending, _cursor) = (false, Unknown);
            }

            if (packet is null)
            {
                Fault fault = new() { Kind = FaultKind.Internal, Message = $"retained rows: those of positions {stretch.Position} to {stretch.End} are gone" };
                table.Fault(session, epoch, fault);
                return;
            }

            Send(stretch, packet, number);
        }
    }

    // True with no packet when there is something to send that cannot be read.
    private bool TryTake(out Stretch stretch, out HiddenPacket? packet)
    {
        (stretch, packet) = (default, null);
        if (!_isReady || _isEnded)
            return false;
        if (_overtaken.TryPeek(out (Stretch Stretch, HiddenPacket Packet) overtaken))
        {
            if (!_window.IsOpenFor(overtaken.Packet.EncodedBytes))
                return false;
            (stretch, packet) = _overtaken.Dequeue();
            return true;
        }

        if (_cursor == Unknown || !_log.TryNext(_cursor, out stretch) || !_window.IsOpenFor(_log.Bytes(stretch.Position, stretch.Count)))
            return false;
        packet = Read(ref stretch);
        _cursor = stretch.End;
        return true;
    }

    private void Send(Stretch stretch, HiddenPacket packet, ulong number)
    {
        var step = new Step
        {
            Number = number,
            Position = (uint)stretch.Position,
            Count = (uint)stretch.Count,
            Outputs = stretch.Outputs,
            Codec = packet.Codec.Id,
            EncodedBytes = (ulong)packet.EncodedBytes,
            Replay = stretch.IsReplay,
        };
        if (stretch.TokenIds is { } tokenIds)
            step.TokenIds.Add(tokenIds);
        step.PrefixLabels.Add(stretch.Labels);
        lock (_log.Gate)
        {
            step.Confirmed = (uint)_log.Confirmed;
            step.Telemetry.AddRange(_telemetry);
        }

        OutboundLink link = (stretch.IsBulk ? _bulk : _decode)!;
        link.Clock.Sent(session.Id, number);
        LinkMessages.Split(new LinkFrame { Step = step }.Address(session.Id, epoch), packet, message => link.Sender.Send(message));
    }

    private void SendFrame(LinkFrame frame) => _bulk!.Sender.Send(new LinkMessage(frame.Address(session.Id, epoch)));

    private void Fault(FaultKind kind, string message) => table.Fault(session, epoch, new Fault
    {
        Kind = kind,
        Message = message,
        Peer = plan.NextEndpoint!.Peer.ToByteString(),
        FirstBlock = plan.Next!.FirstBlock,
        EndBlock = plan.Next.EndBlock,
    });
}
