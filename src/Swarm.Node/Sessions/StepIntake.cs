using Swarm.Node.Compute;
using Swarm.Node.SwarmEnds;
using Swarm.Protocol;
using Swarm.Protocol.Links;
using Swarm.Protocol.Wire;

namespace Swarm.Node.Sessions;

/// <summary>Step 7: steps come in part by part, are checked, and go to the compute loop in the order of their numbers.</summary>
internal sealed class StepIntake(NodeIdentity self, SessionTable table, SessionLedger ledger, TimeProvider time, ComputeLoop loop)
{
    /// <summary>Header first, then limits; memory for the bytes only after both.</summary>
    public void OnStep(InboundLink link, NodeSession session, uint epoch, Step step)
    {
        SessionId id = session.Id;
        StepAssembly? unfinished;
        if (link.Assemblies.Remove(id, out unfinished))
            unfinished.Dispose();
        link.PassedOver.Add(id);
        bool isRepeat;
        Fault? refusal;
        lock (table.Gate)
        {
            refusal = epoch == session.Epoch ? null : Refuse(session, epoch);
            if (refusal is null && !session.TakesSteps)
                return;
            isRepeat = refusal is null && (step.Number < session.NextStep || session.Early.ContainsKey(step.Number));
        }

        if (refusal is not null)
        {
            // The session's own epoch has no part in it.
            SessionTable.Refuse(link, id, epoch, refusal);
            return;
        }

        if (isRepeat)
        {
            Acknowledge(new StepAcknowledgement(link, step.Number, 0), id, epoch);
            return;
        }

        Fault? fault = unfinished is not null && unfinished.Epoch == epoch
            ? SessionTable.Make(FaultKind.ProtocolViolation, $"step {step.Number}: came before step {unfinished.Header.Number} was complete")
            : Check(session, step);
        if (fault is not null)
        {
            table.Fault(session, epoch, fault);
            return;
        }

        lock (table.Gate)
        {
            if (epoch != session.Epoch || session.IsClosed)
                return;
            session.PendingBytes += (long)step.EncodedBytes;
            session.PendingSteps++;
        }

        link.PassedOver.Remove(id);
        link.Sessions[id] = epoch;
        if (session.Plan.Ends is { Embeds: true })
        {
            // The ids are all of it.
            Take(link, session, epoch, step, null);
            return;
        }

        DropAbandoned(link);
        link.Assemblies.Add(id, new StepAssembly(session, epoch, step, session.Plan.InputCodec, self.Hidden));
    }

    /// <summary>A part of a step's packet.</summary>
    public void OnPart(InboundLink link, LinkMessage message)
    {
        SessionId id = message.Session;
        if (!link.Assemblies.TryGetValue(id, out StepAssembly? assembly))
        {
            if (!link.PassedOver.Contains(id) && table.Find(link, id, message.Frame.Epoch) is { } stray)
                table.Fault(stray, message.Frame.Epoch, SessionTable.Make(FaultKind.ProtocolViolation, "chunk: no step announced it"));
            return;
        }

        if (assembly.Epoch != message.Frame.Epoch)
            return;
        NodeSession session = assembly.Session;
        if (assembly.Add(message.Part!) is { } defect)
        {
            link.Assemblies.Remove(id);
            link.PassedOver.Add(id);
            assembly.Dispose();
            table.Fault(session, assembly.Epoch, SessionTable.Make(FaultKind.CorruptPacket, defect));
            return;
        }

        if (!assembly.IsComplete)
            return;
        link.Assemblies.Remove(id);
        Take(link, session, assembly.Epoch, assembly.Header, assembly.Take());
    }

    /// <summary>A step was computed: it does not count any more, and senders that wait may go on.</summary>
    public void OnDone(StepWork work)
    {
        NodeSession session = work.Session;
        List<StepAcknowledgement>? late = null;
        lock (table.Gate)
        {
            if (work.Epoch != session.Epoch || session.IsClosed)
                return;
            session.PendingSteps--;
            session.PendingBytes -= (long)work.Header.EncodedBytes;
            while (session.LateAcks.Count > 0 && HasRoom(session))
                (late ??= []).Add(session.LateAcks.Dequeue());
        }

        foreach (StepAcknowledgement ack in late ?? [])
            Acknowledge(ack, session.Id, work.Epoch);
    }

    // A step is complete. The device first; then, while it computes, the sender learns that it has arrived.
    private void Take(InboundLink link, NodeSession session, uint epoch, Step header, HiddenPacket? packet)
    {
        if (!Accept(new StepWork(session, header, packet, link.IsBulk, time.GetTimestamp(), epoch)))
            return;
        StepAcknowledgement? due, before;
        lock (table.Gate)
        {
            due = session.Acks.Take(link, header.Number, header.Count == 1 && !link.IsBulk, out before);

            // Where many wait, the sender has to as well.
            if (due is { } late && epoch == session.Epoch && !HasRoom(session))
            {
                session.LateAcks.Enqueue(late);
                due = null;
            }
        }

        if (before is { } earlier)
            Acknowledge(earlier, session.Id, epoch);
        if (due is { } now)
            Acknowledge(now, session.Id, epoch);
    }

    private static void Acknowledge(StepAcknowledgement ack, SessionId id, uint epoch) =>
        ack.Link.Send(new LinkFrame { Ack = new StepAck { Number = ack.Number, Before = (uint)ack.Before } }, id, epoch);

    private static bool HasRoom(NodeSession session) =>
        session.PendingSteps <= ChainLimits.MaxUnacknowledgedSteps && session.PendingBytes <= ChainLimits.MaxUnacknowledgedBytes;

    private static Fault Refuse(NodeSession session, uint epoch) => SessionTable.Make(
        epoch < session.Epoch ? FaultKind.StaleEpoch : FaultKind.ProtocolViolation, $"epoch: {epoch}, the session is at {session.Epoch}");

    private Fault? Check(NodeSession session, Step step)
    {
        SessionPlan plan = session.Plan;
        if (step.Count is 0 or > ChainLimits.MaxStepTokens)
            return SessionTable.Make(FaultKind.InvalidArgument, $"count: {step.Count}, expected 1 to {ChainLimits.MaxStepTokens}");
        if (step.Position > plan.MaxPositions || step.Count > plan.MaxPositions - step.Position)
        {
            return SessionTable.Make(
                FaultKind.ContextExceeded, $"positions: {(ulong)step.Position + step.Count}, expected at most {plan.MaxPositions}");
        }

        if (step.Confirmed > plan.MaxPositions)
            return SessionTable.Make(FaultKind.InvalidArgument, $"confirmed: {step.Confirmed}, expected at most {plan.MaxPositions}");
        if (step.Codec != plan.InputCodec.Id)
            return SessionTable.Make(FaultKind.InvalidArgument, $"codec: {step.Codec}, expected {plan.InputCodec.Id} ({plan.InputCodec.Name}) at block {plan.Part.Start}");
        if (EndsTerms.Check(plan.Ends, step) is { } wrong)
            return wrong;
        if (LabelLog.Check(step.Position, step.Count, step.PrefixLabels) is { } mislabelled)
            return SessionTable.Make(FaultKind.InvalidArgument, mislabelled);
        long most = plan.InputCodec.MaxEncodedBytes((int)step.Count, self.Hidden);
        if (plan.Ends is not { Embeds: true } && (step.EncodedBytes is 0 || step.EncodedBytes > (ulong)most))
            return SessionTable.Make(FaultKind.CorruptPacket, $"encoded_bytes: {step.EncodedBytes}, expected 1 to {most} for {step.Count} tokens");
        if (step.Telemetry.Count >= ChainLimits.MaxHops)
            return SessionTable.Make(FaultKind.InvalidArgument, $"telemetry: {step.Telemetry.Count} hops, expected fewer than {ChainLimits.MaxHops}");
        lock (table.Gate)
        {
            if (session.IsOpening && (session.Epoch > 0 || plan.Ends is not null || session.LooksForPages))
                return SessionTable.Make(FaultKind.ProtocolViolation, $"step {step.Number}: came before the chain of epoch {session.Epoch} was open");
            if (step.Number - session.NextStep >= ChainLimits.MaxPendingSteps)
                return SessionTable.Make(FaultKind.ProtocolViolation, $"step number: {step.Number}, expected {session.NextStep} or one of the next {ChainLimits.MaxPendingSteps}");
            if (session.PendingSteps >= ChainLimits.MaxPendingSteps)
                return SessionTable.Make(FaultKind.NoCapacity, $"steps under way: {session.PendingSteps}, at most {ChainLimits.MaxPendingSteps}");
            if (session.Flight.Steps >= ChainLimits.MaxClientPendingSteps)
                return SessionTable.ComeAgain($"steps under way: {session.Flight.Steps} for this client's sessions, at most {ChainLimits.MaxClientPendingSteps}");
            if (session.Flight.Bytes + (long)step.EncodedBytes > ChainLimits.MaxClientPendingBytes)
                return SessionTable.ComeAgain($"bytes under way: {session.Flight.Bytes + (long)step.EncodedBytes} for this client's sessions, at most {ChainLimits.MaxClientPendingBytes}");
            if (session.PendingBytes + (long)step.EncodedBytes > ChainLimits.MaxPendingBytes)
                return SessionTable.Make(FaultKind.NoCapacity, $"bytes under way: {session.PendingBytes + (long)step.EncodedBytes}, at most {ChainLimits.MaxPendingBytes}");
        }

        return null;
    }

    // Steps run in the order of their numbers, whichever link brought them. False for one that is not wanted any more.
    private bool Accept(StepWork work)
    {
        NodeSession session = work.Session;
        Fault? fault = null;
        lock (table.Gate)
        {
            if (!session.TakesSteps || work.Epoch != session.Epoch || !session.Early.TryAdd(work.Header.Number, work))
            {
                work.Dispose();
                return false;
            }

            while (fault is null && session.Early.Remove(session.NextStep, out StepWork? next))
            {
                session.NextStep++;
                int end = next.Position + next.Count;
                if (next.Position > session.Length)
                    fault = SessionTable.Make(FaultKind.WrongPosition, $"position: {next.Position}, expected 0 to {session.Length} (the session's length)");
                else if (!ledger.TryGrow(session.Lease, end, session.Served.Layout))
                    fault = SessionTable.ComeAgain(ledger.Describe(end, session.Served.Layout, session.Lease.Client));
                if (fault is null)
                {
                    session.Length = end;
                    loop.Post(new LoopItem(next, null, null));
                }
                else
                {
                    next.Dispose();
                }
            }
        }

        loop.Wake();
        if (fault is null)
            return true;
        table.Fault(session, work.Epoch, fault);
        return false;
    }

    // Packets whose session ended, or went on to another epoch, before they were complete.
    private static void DropAbandoned(InboundLink link)
    {
        const int few = 16;
        if (link.Assemblies.Count < few)
            return;
        foreach ((SessionId id, StepAssembly assembly) in link.Assemblies)
        {
            if (!assembly.Session.IsClosed && assembly.Epoch == assembly.Session.Epoch)
                continue;
            assembly.Dispose();
            link.Assemblies.Remove(id);
        }
    }
}
