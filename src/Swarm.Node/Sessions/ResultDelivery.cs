using Swarm.Protocol;
using Swarm.Protocol.Links;
using Swarm.Protocol.Wire;

namespace Swarm.Node.Sessions;

/// <summary>
/// The way from the last hop straight to the client. A result is kept until the client has said that it came, so that one who lost its link gets it again. All state is under
/// the table's lock.
/// </summary>
internal sealed class ResultDelivery(SessionTable table)
{
    // Clients that attached before their session was here.
    private readonly Dictionary<SessionId, (uint Epoch, InboundLink? Decode, InboundLink? Bulk)> _parked = [];

    /// <summary>A step's result: straight to the client, or kept until the client has attached.</summary>
    public void Send(StepWork work, HiddenPacket? packet)
    {
        NodeSession session = work.Session;
        InboundLink? link;
        bool full;
        lock (table.Gate)
        {
            link = LinkOf(session, work.IsBulk);
            ResultLog results = session.Results!;
            lock (results.Gate)
            {
                full = link is null && results.Unsent >= ChainLimits.MaxParkedFrames;
                if (!session.IsClosed && !full)
                    results.Add(new StoredResult(work.Header.Number, work.Position, work.Count, packet?.Share(), work.IsBulk, link) { Chosen = work.Chosen });
            }
        }

        if (link is not null)
        {
            session.ForwardedDirectly++;
            StepResult result = Header(work.Header.Number, work.Position, work.Count, packet, work.Chosen);
            result.Telemetry.AddRange(work.Header.Telemetry);
            result.Telemetry.Add(session.Figures());
            LinkMessages.Split(new LinkFrame { Result = result }.Address(session.Id, work.Epoch), packet, message => link.Sender.Send(message));
            return;
        }

        packet?.Dispose();
        if (full)
            table.Fault(session, work.Epoch, SessionTable.Make(FaultKind.ProtocolViolation, $"results: {ChainLimits.MaxParkedFrames} wait, and no client has attached to take them"));
    }

    /// <summary>Sends what the client may lack, by the links that it has now.</summary>
    /// <param name="session">The session, at its last hop.</param>
    /// <param name="onlyNew">Leaves out what was sent by one of these links.</param>
    public void SendStored(NodeSession session, bool onlyNew = false)
    {
        var sent = new List<(StoredResult Result, InboundLink Link)>();
        uint epoch;
        lock (table.Gate)
        {
            epoch = session.Epoch;
            ResultLog results = session.Results!;
            lock (results.Gate)
            {
                for (int index = 0; index < results.Count; index++)
                {
                    StoredResult result = results[index];
                    if (LinkOf(session, result.IsBulk) is not { } link)
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
            StepResult header = Header(result.Number, result.Position, result.Count, result.Packet, result.Chosen);
            LinkMessages.Split(new LinkFrame { Result = header }.Address(session.Id, epoch), result.Packet, message => link.Sender.Send(message));
        }
    }

    /// <summary>A client wants a session's results down a link.</summary>
    public void OnAttach(InboundLink link, SessionId id, uint epoch)
    {
        NodeSession? session;
        lock (table.Gate)
        {
            session = table.Look(id);
            if (table.LastEpoch(id) is { } last && (epoch < last || (epoch == last && session is null)))
                return;
            if (session is not null && epoch == session.Epoch)
            {
                if (session.Results is null)
                    return;
                session.DecodeResults = link.IsBulk ? session.DecodeResults : link;
                session.BulkResults = link.IsBulk ? link : session.BulkResults;
            }
            else
            {
                // Waits for its epoch: what is held now may be of positions that the client has gone back from, or of other blocks.
                if (!Park(link, id, epoch))
                    return;
                session = null;
            }
        }

        table.Prune(link);
        link.Attached.Add(id);
        if (session is not null)
            SendStored(session, onlyNew: true);
    }

    /// <summary>Gives a session whose epoch begins the links that wait for it; under the lock.</summary>
    public void Join(NodeSession session)
    {
        if (!_parked.TryGetValue(session.Id, out (uint Epoch, InboundLink? Decode, InboundLink? Bulk) parked) || parked.Epoch > session.Epoch)
            return;
        _parked.Remove(session.Id);
        if (session.Results is not null)
            (session.DecodeResults, session.BulkResults) = (parked.Decode ?? session.DecodeResults, parked.Bulk ?? session.BulkResults);
    }

    /// <summary>Whether a client waits for a session; under the lock.</summary>
    public bool IsAwaited(SessionId id) => _parked.ContainsKey(id);

    /// <summary>Nobody waits for an epoch of a session any more; for a later one somebody may. Under the lock.</summary>
    public void Forget(SessionId id, uint epoch)
    {
        if (_parked.TryGetValue(id, out (uint Epoch, InboundLink? Decode, InboundLink? Bulk) parked) && parked.Epoch <= epoch)
            _parked.Remove(id);
    }

    /// <summary>A link is gone: results wait for another.</summary>
    public void OnLinkClosed(InboundLink link)
    {
        lock (table.Gate)
        {
            foreach (SessionId id in link.Attached)
            {
                _parked.Remove(id);
                if (table.Look(id) is not { } session)
                    continue;
                session.DecodeResults = session.DecodeResults == link ? null : session.DecodeResults;
                session.BulkResults = session.BulkResults == link ? null : session.BulkResults;
            }
        }
    }

    private bool Park(InboundLink link, SessionId id, uint epoch)
    {
        if (!_parked.TryGetValue(id, out (uint Epoch, InboundLink? Decode, InboundLink? Bulk) parked))
        {
            if (_parked.Count >= ChainLimits.MaxParkedAttachments)
                return false;
            parked = (epoch, null, null);
        }

        if (parked.Epoch > epoch)
            return false;
        if (parked.Epoch < epoch)
            parked = (epoch, null, null);
        _parked[id] = link.IsBulk ? (epoch, parked.Decode, link) : (epoch, link, parked.Bulk);
        return true;
    }

    private static InboundLink? LinkOf(NodeSession session, bool bulk) =>
        bulk ? session.BulkResults ?? session.DecodeResults : session.DecodeResults ?? session.BulkResults;

    private static StepResult Header(ulong number, int position, int count, HiddenPacket? packet, int? chosen)
    {
        var header = new StepResult
        {
            Number = number,
            Position = (uint)position,
            Count = (uint)count,
            Rows = (uint)(packet?.Tokens ?? 0),
            Codec = packet?.Codec.Id ?? 0u,
            EncodedBytes = (ulong)(packet?.EncodedBytes ?? 0),
        };
        if (chosen is { } tokenId)
            header.TokenIds.Add((uint)tokenId);
        return header;
    }
}
