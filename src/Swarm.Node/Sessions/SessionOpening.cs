using Swarm.Node.Compute;
using Swarm.Node.SwarmEnds;
using Swarm.Protocol;
using Swarm.Protocol.Links;
using Swarm.Protocol.Wire;

namespace Swarm.Node.Sessions;

/// <summary>
/// Sessions begin, and go on under a later epoch. A hop that had the session keeps what it holds of it; the way on is opened anew, and once the next hop has said from where
/// it is to be fed, this one says the same to the hop before.
/// </summary>
internal sealed class SessionOpening(NodeIdentity self, SessionTable table, SessionLedger ledger, LinkPool links, ComputeLoop loop)
{
    /// <summary>Somebody asks for a session.</summary>
    public void OnOpen(InboundLink link, SessionId id, uint epoch, OpenSession open)
    {
        if (id.IsNone)
        {
            SessionTable.Refuse(link, id, epoch, SessionTable.Make(FaultKind.InvalidArgument, "session: 0, expected 128 random bits"));
            return;
        }

        PeerId client = ClientOf(link, open);
        open.Client = client.ToByteString();
        NodeSession? known;
        Fault? fault = null;
        lock (table.Gate)
        {
            known = table.Look(id);
            if (known is not null && epoch == known.Epoch)
                return;
            if (table.LastEpoch(id) is { } last && epoch <= last)
                fault = SessionTable.Make(FaultKind.StaleEpoch, $"epoch: {epoch}, the session was at {last}");
        }

        if (fault is not null)
        {
            SessionTable.Refuse(link, id, epoch, fault);
            return;
        }

        if (known is not null)
        {
            SessionPlan? going = SessionPlan.Read(open, self, known.Served.Blocks, out _);
            // One whose ends are not loaded yet has nothing to keep.
            if (going is not null && known.HasEnds && known.Plan.HoldsLike(going))
            {
                GoOn(link, known, epoch, going, open);
                return;
            }

            table.Close(known, known.Epoch);
        }

        Begin(link, client, id, epoch, open);
    }

    /// <summary>The next hop, and all below it, are ready.</summary>
    public void OnOpenedBelow(NodeSession session, uint epoch, Opened below)
    {
        // In a session's first epoch it was told of no more pages than there are here.
        int most = epoch == 0 && session.LooksForPages ? session.PrefixTokens : session.Plan.MaxPositions;
        if (below.Hops.Count is 0 or >= ChainLimits.MaxHops || below.Hops[0].Start > most)
        {
            Fault lie = SessionTable.Make(FaultKind.ProtocolViolation, $"opened: {below.Hops.Count} hops, start {(below.Hops.Count > 0 ? below.Hops[0].Start : 0)}, expected at most {most}");
            lie.Peer = session.Plan.NextEndpoint!.Peer.ToByteString();
            table.Fault(session, epoch, lie);
            return;
        }

        bool feeds = epoch > 0 || session.LooksForPages;
        lock (table.Gate)
        {
            if (session.IsClosed || session.Epoch != epoch || !session.IsOpening)
                return;
            if (feeds)
                loop.Post(new LoopItem(null, session, () => Feed(session, epoch, below)));
            else
                session.IsOpening = false;
        }

        if (feeds)
            loop.Wake();
        else
            SayOpened(session, epoch, 0, 0, below);
    }

    private void Begin(InboundLink link, PeerId client, SessionId id, uint epoch, OpenSession open)
    {
        NodeSession? session;
        SessionPlan? plan;
        Fault? fault;
        int count;
        ServedSpan? served;
        do
        {
            served = table.Spans.Current;
            plan = SessionPlan.Read(open, self, served?.Blocks ?? default, out fault);
            if (plan is null)
            {
                SessionTable.Refuse(link, id, epoch, fault!);
                return;
            }
        }
        while (!TryAdmit(link, client, id, epoch, plan, open, served!, out session, out fault, out count));

        if (session is null)
        {
            fault!.FirstBlock = (uint)plan.Part.Start;
            fault.EndBlock = (uint)plan.Part.End;
            SessionTable.Refuse(link, id, epoch, fault);
            return;
        }

        table.Prune(link);
        link.Sessions[id] = epoch;
        session.Outputs?.Confirm((int)open.Confirmed);
        table.OnBegun(session, count);
        if (!session.LooksForPages)
        {
            open.PrefixLabels.Clear();
            Open(session, epoch, open);
            return;
        }

        loop.Post(new LoopItem(null, session, () =>
        {
            PageSharing.Begin(session, open.PrefixLabels);
            Open(session, epoch, open);
        }));
        loop.Wake();
    }

    private void Open(NodeSession session, uint epoch, OpenSession open)
    {
        if (session.HasEnds)
            OpenBelow(session, epoch, open);
        else
            _ = LoadEndsAsync(session, epoch, session.Plan.Ends!, open);
    }

    private void OpenBelow(NodeSession session, uint epoch, OpenSession open)
    {
        if (session.Downstream is { } downstream)
        {
            _ = downstream.OpenAsync(open);
            return;
        }

        lock (table.Gate)
        {
            if (session.IsClosed || session.Epoch != epoch)
                return;
            if (session.IsOpening)
                (session.Length, session.IsOpening) = (session.PrefixTokens, false);
        }

        SayOpened(session, epoch, session.PrefixTokens, 0, null);
    }

    // The chain opens when they are there: no step comes before.
    private async Task LoadEndsAsync(NodeSession session, uint epoch, EndsTerms terms, OpenSession open)
    {
        try
        {
            EndsLease lease = await table.Ends!.TakeAsync(terms.Parts);
            bool late;
            lock (table.Gate)
            {
                late = session.IsClosed;
                if (!late)
                    session.Ends = lease;
            }

            if (late)
                lease.Dispose();
            else
                OpenBelow(session, epoch, open);
        }
        catch (SwarmException exception)
        {
            table.Fault(session, epoch, SessionTable.Make(exception.Fault, exception.Message));
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // Of this node's files, or its end; another may do better.
            table.Fault(session, epoch, SessionTable.Make(FaultKind.Internal, $"loading the model's ends: {exception.Message}"));
        }
    }

    // False when the node has moved since the plan was checked: it is to be checked anew.
    private bool TryAdmit(
        InboundLink link, PeerId client, SessionId id, uint epoch, SessionPlan plan, OpenSession open, ServedSpan served, out NodeSession? session, out Fault? fault,
        out int count)
    {
        PageKeys? keys = PageKeys.Of(client, self.ModelIdentity, open.RoundingPoints, plan);
        session = null;
        count = 0;
        lock (table.Gate)
        {
            fault = table.RefusalOf(id);
            if (fault is not null)
                return true;
            if (ledger.TryAdmit(plan.ExpectedPositions, served.Layout, client) is not { } lease)
            {
                fault = SessionTable.ComeAgain(ledger.Describe(plan.ExpectedPositions, served.Layout, client));
                return true;
            }

            if (!table.Spans.TryUse(served))
            {
                ledger.Release(lease);
                return false;
            }

            session = new NodeSession(id, epoch, plan, served, served.Pool.CreateCache(), lease, link)
            {
                Outputs = plan.Next is null ? null : new OutputLog(new RetainedRows(RowFormat.Of(plan.OutputCodec, self.Hidden), lease)) { Tokens = plan.Ends is null ? null : new TokenLog() },
                Results = plan.Next is null ? new ResultLog(lease) : null,
                Flight = table.FlightOf(client),
                Keys = keys,
                LooksForPages = epoch == 0 && keys is not null && open.PrefixLabels.Count > 0,
            };
            session.Downstream = NewDownstream(session, epoch, plan);
            session.IsOpening = plan.Next is not null || !session.HasEnds || session.LooksForPages;
            count = table.Add(session);
            return true;
        }
    }

    // The first hop knows the client by its certificate; those after it take the word of the hop before them, and no client's.
    private static PeerId ClientOf(InboundLink link, OpenSession open) =>
        link.IsFromNode && PeerId.TryRead(open.Client, out PeerId client) ? client : link.Caller;

    private Downstream? NewDownstream(NodeSession session, uint epoch, SessionPlan plan) =>
        plan.Next is null ? null : new Downstream(session, epoch, plan, table, links, self.Hidden);

    // A later epoch of a session that this hop has. From here on steps of the earlier one are refused; what is held is looked at between two passes.
    private void GoOn(InboundLink link, NodeSession session, uint epoch, SessionPlan plan, OpenSession open)
    {
        List<StepWork> early;
        lock (table.Gate)
        {
            if (session.IsClosed || session.Epoch >= epoch)
                return;
            session.Epoch = epoch;
            table.Results.Join(session);
            session.Upstream = link;
            session.IsKept = true;
            session.IsOpening = true;
            session.IsBroken = false;
            table.Resume(session);
            session.NextStep = 0;
            early = [.. session.Early.Values];
            session.Early.Clear();
            session.LateAcks.Clear();
            session.Acks.Reset();
            (session.PendingSteps, session.PendingBytes) = (0, 0);
            loop.Post(new LoopItem(null, session, () => Adopt(session, epoch, plan, open)));
        }

        foreach (StepWork work in early)
            work.Dispose();
        table.Prune(link);
        link.Sessions[session.Id] = epoch;
        loop.Wake();
    }

    // In the compute loop, between passes; the session's steps that waited are gone.
    private void Adopt(NodeSession session, uint epoch, SessionPlan plan, OpenSession open)
    {
        int held = Math.Min(session.Computed, (int)open.Valid);
        if (session.Outputs is { } outputs)
        {
            lock (outputs.Gate)
            {
                outputs.Confirm((int)open.Confirmed);
                held = outputs.TruncateToSteps(held);
            }
        }

        int recomputed = 0;
        if (session.Results is { } results)
        {
            lock (results.Gate)
            {
                results.Confirm((int)open.Confirmed);
                results.Truncate(held);
                // The client lacks a result that is here no more either: its step is computed again.
                if (!results.Covers((int)open.Confirmed, held))
                {
                    recomputed = held - (int)open.Confirmed;
                    results.Truncate((int)open.Confirmed);
                }
            }
        }

        GoBack(session, held, recomputed);
        Downstream? before;
        Downstream? next;
        SessionPlan last;
        lock (table.Gate)
        {
            if (session.IsClosed || session.Epoch != epoch)
                return;
            last = session.Plan;
            session.Plan = plan;
            session.Length = session.Computed;
            before = session.Downstream;
            session.Downstream = next = NewDownstream(session, epoch, plan);
            session.IsOpening = next is not null;
        }

        session.HasGap = false;
        // One that the new chain leaves out frees itself, even where the client cannot reach it.
        if (before is not null && last.NextEndpoint!.Peer != plan.NextEndpoint!.Peer)
            before.Suspend();
        before?.Leave();
        if (next is not null)
        {
            _ = next.OpenAsync(open);
            return;
        }

        SayOpened(session, epoch, session.Computed, recomputed, null);
        table.Results.SendStored(session);
    }

    // In the compute loop, between passes: the next hop has said from where it is to be fed.
    private void Feed(NodeSession session, uint epoch, Opened below)
    {
        int lacks = (int)below.Hops[0].Start;
        int recomputed = 0;
        OutputLog outputs = session.Outputs!;
        lock (outputs.Gate)
        {
            // What it lacks is gone here as well: it is computed again.
            if (!outputs.CanFeedFrom(lacks))
            {
                recomputed = outputs.End - lacks;
                outputs.Truncate(lacks);
            }
        }

        Downstream? next;
        lock (table.Gate)
        {
            if (session.IsClosed || session.Epoch != epoch)
                return;
            next = session.Downstream;
            session.IsOpening = false;
        }

        GoBack(session, session.Computed, recomputed);
        lock (table.Gate)
            session.Length = session.Computed;
        SayOpened(session, epoch, session.Computed, recomputed, below);
        next!.Feed(lacks);
    }

    // What is held ends at a position, less what is to be computed again.
    private static void GoBack(NodeSession session, int held, int again)
    {
        if (again > 0)
            session.RecomputeBelow = Math.Max(session.RecomputeBelow, held);
        session.Computed = held - again;
        if (session.Cache.Truncate(session.Computed) < session.Computed)
            Forget(session, held);
        session.History?.Truncate(session.Computed);
    }

    // What a window needs before that position is written over: this hop is fed from the beginning, as one that never had the session.
    private static void Forget(NodeSession session, int held)
    {
        session.RecomputeBelow = Math.Max(session.RecomputeBelow, held);
        session.Computed = 0;
        session.Settled = 0;
        if (session.Outputs is { } outputs)
        {
            lock (outputs.Gate)
                outputs.Truncate(0);
        }

        if (session.Results is { } results)
        {
            lock (results.Gate)
                results.Truncate(0);
        }
    }

    private void SayOpened(NodeSession session, uint epoch, int start, int recomputed, Opened? below)
    {
        var opened = new Opened
        {
            Hops =
            {
                new HopOpened
                {
                    GrantedPositions = (uint)session.Plan.MaxPositions, Start = (uint)start, Kept = session.IsKept, Recomputed = (uint)recomputed,
                },
            },
        };
        if (below is not null)
            opened.Hops.AddRange(below.Hops);
        session.Upstream.Send(new LinkFrame { Opened = opened }, session.Id, epoch);
        table.SayLeaving(session, epoch);
    }
}
