using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Swarm.Node.Measurement;
using Swarm.Node.Metrics;
using Swarm.Node.Sessions;
using Swarm.Protocol;
using Swarm.Protocol.Links;
using Swarm.Protocol.Wire;

namespace Swarm.Node.Compute;

/// <summary>
/// The one owner of the compute device and of the sessions' caches: takes ready steps, lets the scheduler choose a pass, runs it, sends the
/// outputs on. Holds no rules.
/// </summary>
internal sealed class ComputeLoop(int hidden, IComputeExecutor executor, SpeedMeter speed, TimeProvider time)
{
    private readonly ConcurrentQueue<LoopItem> _inbox = [];
    private readonly ConcurrentQueue<(IComputeWork Work, TaskCompletionSource Done)> _others = [];

    // Who wakes the loop runs it as far as the device: a step needs no other thread on its way there.
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { SingleReader = true, AllowSynchronousContinuations = true, FullMode = BoundedChannelFullMode.DropWrite });

    private readonly StepScheduler _scheduler = new();
    private readonly ComputePass _pass = new(hidden, time);
    private volatile bool _computing;
    private volatile bool _ended;

    /// <summary>Passes over the weights so far.</summary>
    public long Passes { get; private set; }

    /// <summary>Steps of passes that several sessions shared.</summary>
    public long SharedSteps { get; private set; }

    /// <summary>How far the device is, and what waits for it. Asked from any thread.</summary>
    public Progress Progress() => new() { Units = _pass.Units, PendingSteps = (uint)(_inbox.Count + _scheduler.Count + (_computing ? 1 : 0)) };

    /// <summary>Hands something over; <see cref="Wake"/> is to follow once the caller holds no lock.</summary>
    public void Post(LoopItem item) => _inbox.Enqueue(item);

    /// <summary>Lets the loop look at what was posted.</summary>
    public void Wake() => _wake.Writer.TryWrite(true);

    /// <summary>Runs other work on the device, between two passes. It is cancelled when the loop ends first.</summary>
    public Task RunBetweenAsync(IComputeWork work)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _others.Enqueue((work, done));
        Wake();
        if (_ended)
            CancelOthers();
        return done.Task;
    }

    /// <summary>Ends the loop once all that was posted is done.</summary>
    public void Complete() => _wake.Writer.TryComplete();

    /// <summary>Runs until <see cref="Complete"/>.</summary>
    public async Task RunAsync(SessionTable table)
    {
        ComputePass pass = _pass;
        while (await _wake.Reader.WaitToReadAsync())
        {
            _wake.Reader.TryRead(out _);
            do
            {
                TakeInbox(table);
                bool other = await RunOtherAsync();
                if (!_scheduler.TryNext(pass.Pieces))
                {
                    if (other)
                        continue;
                    break;
                }

                foreach (StepPiece piece in pass.Pieces)
                    PageSharing.OnStarts(piece.Work);
                _computing = true;
                await RunAsync(pass);
                _computing = false;
                Passes++;
                speed.Observe(pass.Elapsed, pass.Pieces[0].Work.Session.Plan.Part.Count, pass.Tokens);
                if (pass.Pieces.Count > 1)
                    SharedSteps += pass.Pieces.Count;
                foreach (StepPiece piece in pass.Pieces)
                    FinishSafely(table, piece);
            }
            while (true);
        }

        TakeInbox(table);
        _ended = true;
        CancelOthers();
    }

    private async ValueTask<bool> RunOtherAsync()
    {
        if (!_others.TryDequeue(out (IComputeWork Work, TaskCompletionSource Done) other))
            return false;
        try
        {
            await executor.RunAsync(other.Work);
            other.Done.SetResult();
        }
        catch (Exception exception)
        {
            other.Done.SetException(exception);
        }

        return true;
    }

    private void CancelOthers()
    {
        while (_others.TryDequeue(out (IComputeWork Work, TaskCompletionSource Done) other))
            other.Done.TrySetCanceled();
    }

    // A defect of this program ends the sessions it met, not the node.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask RunAsync(ComputePass pass)
    {
        try
        {
            await executor.RunAsync(pass);
        }
        catch (Exception exception) when (exception is not ObjectDisposedException)
        {
            foreach (StepPiece piece in pass.Pieces)
                piece.Work.Failure ??= new Fault { Kind = FaultKind.Internal, Message = $"computing failed: {exception.Message}" };
        }
    }

    private void TakeInbox(SessionTable table)
    {
        while (_inbox.TryDequeue(out LoopItem item))
        {
            if (item.Work is { } work)
            {
                if (work.Session.IsReleased || work.Session.HasGap)
                    work.Dispose();
                else
                    _scheduler.Add(work);
                continue;
            }

            NodeSession session = item.Session!;
            Drop(session);
            if (session.IsReleased)
                continue;
            if (item.Change is { } change)
                change();
            else
                Release(table, session);
        }
    }

    private void Drop(NodeSession session)
    {
        foreach (StepWork work in _scheduler.Remove(session))
            work.Dispose();
    }

    private static void Release(SessionTable table, NodeSession session)
    {
        session.IsReleased = true;
        PageSharing.PublishEnd(session);
        session.Cache.Dispose();
        if (session.Outputs is { } outputs)
        {
            lock (outputs.Gate)
                outputs.Dispose();
        }

        if (session.Results is { } results)
        {
            lock (results.Gate)
                results.Dispose();
        }

        table.OnReleased(session);
    }

    private void FinishSafely(SessionTable table, StepPiece piece)
    {
        try
        {
            Finish(table, piece);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            table.Fault(piece.Work.Session, piece.Work.Epoch, new Fault { Kind = FaultKind.Internal, Message = $"sending on failed: {exception.Message}" });
        }
    }

    private void Finish(SessionTable table, StepPiece piece)
    {
        StepWork work = piece.Work;
        NodeSession session = work.Session;
        if (work.Failure is { } failure)
        {
            work.Dispose();
            // Those behind it would leave a gap.
            session.HasGap = true;
            Drop(session);
            table.Fault(session, work.Epoch, failure);
            return;
        }

        session.Passes++;
        if (piece.First + piece.Count < work.Count)
            return;

        HiddenPacket? packet = work.TakeOutput();
        work.Dispose();
        TimeSpan queue = time.GetElapsedTime(work.Arrived, work.Started);
        speed.Waited(queue);
        NodeMeter.StepDone(work.Count, work.Computed, queue);
        Count(work, queue, packet);
        Send(table, work, packet);
        PageSharing.Publish(work);
        table.OnStepDone(work);
    }

    private static void Count(StepWork work, TimeSpan queue, HiddenPacket? packet)
    {
        NodeSession session = work.Session;
        int end = work.Position + work.Count;
        session.Tokens += (ulong)work.Count;
        session.ReplayedTokens += work.Header.Replay ? (ulong)work.Count : 0;
        // The client went back itself: nothing above is of use again.
        if (work.Position < session.Computed)
            session.RecomputeBelow = Math.Min(session.RecomputeBelow, work.Position);
        session.RecomputedTokens += (ulong)Math.Max(0, Math.Min(end, session.RecomputeBelow) - work.Position);
        session.Computed = end;
        session.ComputeMicros += (ulong)work.Computed.TotalMicroseconds;
        session.EndsMicros += (ulong)work.Ends.TotalMicroseconds;
        session.QueueMicros += (ulong)queue.TotalMicroseconds;
        if (packet is null)
            return;
        session.HiddenBytes += (ulong)packet.EncodedBytes;
        session.HiddenValues += (ulong)packet.Tokens * (ulong)packet.Hidden;
    }

    // Step 11: the output goes on from here, straight to whoever needs it next.
    private static void Send(SessionTable table, StepWork work, HiddenPacket? packet)
    {
        NodeSession session = work.Session;
        if (session.Downstream is { } downstream)
        {
            downstream.Forward(work, packet!);
            return;
        }

        Step header = work.Header;
        ResultLog results = session.Results!;
        lock (results.Gate)
        {
            results.Truncate(work.Position);
            results.Confirm((int)header.Confirmed);
        }

        // The client has had it.
        if (header.Replay)
            return;
        table.Results.Send(work, packet);
    }
}
