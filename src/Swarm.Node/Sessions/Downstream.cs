using Swarm.Protocol;
using Swarm.Protocol.Links;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;

namespace Swarm.Node.Sessions;

/// <summary>A session's way to the next hop: it sends steps on itself, the client never relays.</summary>
internal sealed class Downstream(NodeSession session, SessionTable table, LinkPool links) : ILinkHandler
{
    private readonly Lock _lock = new();
    private List<(LinkFrame Frame, HiddenPacket? Packet, bool Bulk)>? _waiting = [];
    private OutboundLink? _decode;
    private OutboundLink? _bulk;
    private bool _closed;

    /// <summary>Dials the next hop, for decode and for bulk, and asks it for the session.</summary>
    public async Task OpenAsync(OpenSession request)
    {
        SessionPlan plan = session.Plan;
        try
        {
            PeerEndpoint next = plan.NextEndpoint!;
            Task<OutboundLink> decode = links.GetAsync(next, ConnectionClass.Decode, CancellationToken.None);
            OutboundLink bulk = await links.GetAsync(next, ConnectionClass.Bulk, CancellationToken.None);
            Start(await decode, bulk, request);
        }
        catch (SwarmException exception)
        {
            table.Fault(session, Describe(exception.Fault, exception.Message));
        }
        catch (ObjectDisposedException)
        {
            table.Fault(session, Describe(FaultKind.Draining, "this node stops"));
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            table.Fault(session, Describe(FaultKind.Internal, $"dialling the next hop failed: {exception.Message}"));
        }
    }

    /// <summary>Sends a frame of the session on, with its packet; takes the packet over. Never waits.</summary>
    public void Send(LinkFrame frame, HiddenPacket? packet, bool bulk)
    {
        bool full;
        lock (_lock)
        {
            if (_closed)
            {
                packet?.Dispose();
                return;
            }

            full = _waiting?.Count >= ChainLimits.MaxParkedFrames;
            if (_waiting is not null && !full)
            {
                _waiting.Add((frame, packet, bulk));
                return;
            }
        }

        if (full)
        {
            packet?.Dispose();
            table.Fault(session, Describe(FaultKind.ProtocolViolation, $"steps: {ChainLimits.MaxParkedFrames} wait for the next hop, expected none before the chain is open"));
            return;
        }

        SendNow(frame, packet, bulk);
    }

    /// <summary>Ends the session below.</summary>
    public void Close()
    {
        List<(LinkFrame, HiddenPacket? Packet, bool)>? waiting;
        lock (_lock)
        {
            if (_closed)
                return;
            _closed = true;
            waiting = _waiting;
            _waiting = null;
        }

        foreach ((_, HiddenPacket? packet, _) in waiting ?? [])
            packet?.Dispose();
        // While the next hop is still being dialled, whoever dials says farewell.
        if (waiting is null)
            Leave();
    }

    public void OnFrame(OutboundLink link, LinkMessage message)
    {
        LinkFrame frame = message.Frame;
        message.Release();
        switch (frame.BodyCase)
        {
            case LinkFrame.BodyOneofCase.Ack:
                Interlocked.Add(ref session.LinkMicros, (long)link.Clock.Acknowledged(session.Id, frame.Ack.Number).TotalMicroseconds);
                if (link.Clock.Shortest is { } roundTrip)
                    table.OnRoundTrip(link.Peer, roundTrip);
                break;
            case LinkFrame.BodyOneofCase.Opened:
                table.OnOpenedBelow(session, frame.Opened);
                break;
            case LinkFrame.BodyOneofCase.Fault:
                Fault fault = frame.Fault;
                if (fault.Peer.IsEmpty)
                    fault.Peer = link.Peer.ToByteString();
                table.Fault(session, fault);
                break;
            case LinkFrame.BodyOneofCase.Progress:
                session.Upstream.Send(frame, session.Id, session.Epoch);
                break;
            default:
                table.Fault(session, Describe(FaultKind.ProtocolViolation, $"{link.Address}: frame {frame.BodyCase} from downstream"));
                break;
        }
    }

    public void OnBroken(OutboundLink link, SwarmException reason) => table.Fault(session, Describe(reason.Fault, reason.Message));

    private void Start(OutboundLink decode, OutboundLink bulk, OpenSession request)
    {
        List<(LinkFrame Frame, HiddenPacket? Packet, bool Bulk)> waiting;
        lock (_lock)
        {
            if (_closed)
                return;
            _decode = decode;
            _bulk = bulk;
        }

        if (!decode.TryRegister(session.Id, this) || !bulk.TryRegister(session.Id, this))
        {
            table.Fault(session, Describe(FaultKind.PeerLost, $"{bulk.Address}: the link broke"));
            return;
        }

        request = request.Clone();
        request.Hops.RemoveAt(0);
        SendNow(new LinkFrame { Open = request }, null, bulk: true);
        while (true)
        {
            lock (_lock)
            {
                if (_closed)
                    break;
                waiting = _waiting!;
                if (waiting.Count == 0)
                {
                    _waiting = null;
                    return;
                }

                _waiting = [];
            }

            foreach ((LinkFrame frame, HiddenPacket? packet, bool large) in waiting)
                SendNow(frame, packet, large);
        }

        // It was closed meanwhile, by somebody who did not know yet what there is to close.
        Leave();
    }

    private void Leave()
    {
        _decode?.Unregister(session.Id);
        _bulk?.Unregister(session.Id);
        SendNow(new LinkFrame { Close = new CloseSession() }, null, bulk: true);
    }

    private void SendNow(LinkFrame frame, HiddenPacket? packet, bool bulk)
    {
        OutboundLink link = (bulk ? _bulk : _decode)!;
        if (frame.BodyCase == LinkFrame.BodyOneofCase.Step)
            link.Clock.Sent(session.Id, frame.Step.Number);
        LinkMessages.Split(frame.Address(session.Id, session.Epoch), packet, message => link.Sender.Send(message));
    }

    private Fault Describe(FaultKind kind, string message) => new()
    {
        Kind = kind,
        Message = message,
        Peer = session.Plan.NextEndpoint!.Peer.ToByteString(),
        FirstBlock = session.Plan.Next!.FirstBlock,
        EndBlock = session.Plan.Next.EndBlock,
    };
}
