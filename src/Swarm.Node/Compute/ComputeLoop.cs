using System.Collections.Concurrent;
using System.Threading.Channels;
using Swarm.Models.Blocks;
using Swarm.Node.Sessions;
using Swarm.Protocol;
using Swarm.Protocol.Links;
using Swarm.Protocol.Wire;

namespace Swarm.Node.Compute;

/// <summary>
/// The one owner of the compute device and of the sessions' caches: takes ready steps, lets the scheduler choose a pass, runs it, sends the
/// outputs on. Holds no rules.
/// </summary>
internal sealed class ComputeLoop(BlockStack stack, IComputeExecutor executor, TimeProvider time)
{
    private readonly ConcurrentQueue<LoopItem> _inbox = [];

    // Who wakes the loop runs it as far as the device: a step needs no other thread on its way there.
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { SingleReader = true, AllowSynchronousContinuations = true, FullMode = BoundedChannelFullMode.DropWrite });

    private readonly StepScheduler _scheduler = new();
    private readonly List<NodeSession> _closed = [];

    /// <summary>Passes over the weights so far.</summary>
    public long Passes { get; private set; }

    /// <summary>Steps of passes that several sessions shared.</summary>
    public long SharedSteps { get; private set; }

    /// <summary>Hands something over; <see cref="Wake"/> is to follow once the caller holds no lock.</summary>
    public void Post(LoopItem item) => _inbox.Enqueue(item);

    /// <summary>Lets the loop look at what was posted.</summary>
    public void Wake() => _wake.Writer.TryWrite(true);

    /// <summary>Ends the loop once all that was posted is done.</summary>
    public void Complete() => _wake.Writer.TryComplete();

    /// <summary>Runs until <see cref="Complete"/>.</summary>
    public async Task RunAsync(SessionTable table)
    {
        var pass = new ComputePass(stack, time);
        while (await _wake.Reader.WaitToReadAsync())
        {
            _wake.Reader.TryRead(out _);
            do
            {
                TakeInbox(table);
                if (!_scheduler.TryNext(pass.Pieces))
                    break;
                await RunAsync(pass);
                Passes++;
                if (pass.Pieces.Count > 1)
                    SharedSteps += pass.Pieces.Count;
                foreach (StepPiece piece in pass.Pieces)
                    FinishSafely(table, piece);
            }
            while (true);
        }

        TakeInbox(table);
    }

    // A defect of this program ends the sessions it met, not the node.
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
                if (work.Session.IsReleased)
                    work.Dispose();
                else
                    _scheduler.Add(work);
            }
            else
            {
                _closed.Add(item.Closed!);
            }
        }

        foreach (NodeSession session in _closed)
        {
            foreach (StepWork work in _scheduler.Remove(session))
                work.Dispose();
            session.IsReleased = true;
            session.Cache.Dispose();
            table.OnReleased(session);
        }

        _closed.Clear();
    }

    private void FinishSafely(SessionTable table, StepPiece piece)
    {
        try
        {
            Finish(table, piece);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            table.Fault(piece.Work.Session, new Fault { Kind = FaultKind.Internal, Message = $"sending on failed: {exception.Message}" });
        }
    }

    private void Finish(SessionTable table, StepPiece piece)
    {
        StepWork work = piece.Work;
        NodeSession session = work.Session;
        if (work.Failure is { } failure)
        {
            work.Dispose();
            table.Fault(session, failure);
            return;
        }

        session.Passes++;
        if (piece.First + piece.Count < work.Count)
            return;

        HiddenPacket? packet = work.TakeOutput();
        work.Dispose();
        session.Tokens += (ulong)work.Count;
        session.ComputeMicros += (ulong)work.Computed.TotalMicroseconds;
        session.QueueMicros += (ulong)time.GetElapsedTime(work.Arrived, work.Started).TotalMicroseconds;
        session.ForwardedDirectly++;
        if (packet is not null)
        {
            session.HiddenBytes += (ulong)packet.EncodedBytes;
            session.HiddenValues += (ulong)packet.Tokens * (ulong)packet.Hidden;
        }

        Send(table, work, packet);
        table.OnStepDone(session, (long)work.Header.EncodedBytes);
    }

    // Step 11: the output goes on from here, straight to whoever needs it next.
    private static void Send(SessionTable table, StepWork work, HiddenPacket? packet)
    {
        NodeSession session = work.Session;
        Step header = work.Header;
        var own = new HopTelemetry
        {
            ComputeMicros = session.ComputeMicros,
            QueueMicros = session.QueueMicros,
            LinkMicros = (ulong)Math.Max(0, Interlocked.Read(ref session.LinkMicros)),
            ForwardedDirectly = session.ForwardedDirectly,
            HiddenBytes = session.HiddenBytes,
            HiddenValues = session.HiddenValues,
            Tokens = session.Tokens,
            Passes = session.Passes,
        };
        if (session.Downstream is { } downstream)
        {
            var step = new Step
            {
                Number = header.Number,
                Position = header.Position,
                Count = header.Count,
                Outputs = header.Outputs,
                Codec = packet!.Codec.Id,
                EncodedBytes = (ulong)packet.EncodedBytes,
            };
            step.Telemetry.AddRange(header.Telemetry);
            step.Telemetry.Add(own);
            downstream.Send(new LinkFrame { Step = step }, packet, work.IsBulk);
            return;
        }

        var result = new StepResult
        {
            Number = header.Number,
            Position = header.Position,
            Count = header.Count,
            Rows = (uint)(packet?.Tokens ?? 0),
            Codec = packet?.Codec.Id ?? 0u,
            EncodedBytes = (ulong)(packet?.EncodedBytes ?? 0),
        };
        result.Telemetry.AddRange(header.Telemetry);
        result.Telemetry.Add(own);
        table.SendResult(session, result, packet, work.IsBulk);
    }
}
