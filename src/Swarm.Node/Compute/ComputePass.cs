using Swarm.Models;
using Swarm.Models.Blocks;
using Swarm.Node.Sessions;
using Swarm.Node.SwarmEnds;
using Swarm.Protocol;
using Swarm.Protocol.Links;

namespace Swarm.Node.Compute;

/// <summary>
/// Steps 9 and 10: one pass over the weights for the pieces the scheduler chose; before and after it, what sessions leave to this hop of the model's ends. Runs in the
/// device's thread, touches no lock and no link; what goes wrong is left in the step.
/// </summary>
internal sealed class ComputePass(int hidden, TimeProvider time) : IComputeWork
{
    private readonly HeadPass _head = new(hidden);
    private readonly List<StepWork> _choosing = [];
    private StackStep[] _steps = [];
    private ulong _units;
    private HiddenBuffer? _gathered;

    /// <summary>What to compute; filled in before each run.</summary>
    public List<StepPiece> Pieces { get; } = [];

    /// <summary>Tokens × blocks computed so far, over all runs. Read from any thread.</summary>
    public ulong Units => Volatile.Read(ref _units);

    /// <summary>Tokens that went through the blocks in the last run.</summary>
    public int Tokens { get; private set; }

    /// <summary>Time that the blocks took in the last run.</summary>
    public TimeSpan Elapsed { get; private set; }

    public (int Blocks, int Tokens) Size => Tokens == 0 ? default : (Pieces[0].Work.Session.Plan.Part.Count, Tokens);

    public void Took(TimeSpan time)
    {
        Elapsed += time;
        foreach (StepPiece piece in Pieces)
            piece.Work.Computed += time;
    }

    /// <summary>Tokens chosen for sessions so far.</summary>
    public long Chosen => _head.Chosen;

    public void Run()
    {
        long start = time.GetTimestamp();
        int live = 0;
        int tokens = 0;
        if (_steps.Length < Pieces.Count)
            _steps = new StackStep[Pieces.Count];
        foreach (StepPiece piece in Pieces)
        {
            if (!Prepare(piece.Work, start))
                continue;
            _steps[live++] = new StackStep(piece.Work.Session.Cache, piece.Work.Position + piece.First, piece.Count);
            tokens += piece.Count;
        }

        long ready = time.GetTimestamp();
        if (live > 0)
            Compute(live, tokens);
        Tokens = tokens;
        Elapsed = time.GetElapsedTime(ready);
        Choose();
        TimeSpan all = time.GetElapsedTime(start);
        foreach (StepPiece piece in Pieces)
        {
            piece.Work.Computed += all;
            piece.Work.Ends += all - Elapsed;
        }
    }

    private bool Prepare(StepWork work, long now)
    {
        if (work.Started == 0)
            work.Started = now;
        if (work.Values is not null || work.TryDecode(hidden, out string? error))
            return work.Failure is null;
        work.Failure = new Fault { Kind = FaultKind.CorruptPacket, Message = $"step {work.Header.Number}: {error}" };
        return false;
    }

    private void Compute(int live, int tokens)
    {
        NodeSession first = Pieces[0].Work.Session;
        SessionPlan plan = first.Plan;
        BlockStack stack = first.Served.Stack;
        try
        {
            if (live == 1)
            {
                StepPiece piece = FirstLive();
                Forward(stack, Rows(piece), 1, tokens, plan);
            }
            else
            {
                Span<float> together = Gathered(tokens * hidden);
                Copy(together, gather: true);
                Forward(stack, together, live, tokens, plan);
                Copy(together, gather: false);
            }

            foreach (StepPiece piece in Pieces)
            {
                if (piece.Work.Failure is null && piece.First + piece.Count == piece.Work.Count)
                    piece.Work.Encode(hidden);
            }
        }
        catch (ModelException exception)
        {
            foreach (StepPiece piece in Pieces)
                piece.Work.Failure ??= new Fault { Kind = Kind(exception.Error), Message = exception.Message };
        }
    }

    // Step 12 where the swarm has the ends, for all sessions whose step ends in this pass.
    private void Choose()
    {
        _choosing.Clear();
        foreach (StepPiece piece in Pieces)
        {
            if (piece.Work.Failure is null && piece.First + piece.Count == piece.Work.Count && piece.Work.WantsToken)
                _choosing.Add(piece.Work);
        }

        for (int first = 0; first < _choosing.Count; first += HeadPass.MostRows)
            Choose(first, Math.Min(HeadPass.MostRows, _choosing.Count - first));
    }

    private void Choose(int first, int count)
    {
        _head.Clear();
        for (int row = 0; row < count; row++)
        {
            StepWork work = _choosing[first + row];
            _head.Add(work.Values!.Values.Slice((work.Count - 1) * hidden, hidden), work.Session.Plan.OutputCodec);
        }

        _head.Compute(_choosing[first].Session.Ends!.Head!);
        for (int row = 0; row < count; row++)
        {
            StepWork work = _choosing[first + row];
            try
            {
                work.Chosen = _head.Choose(row, work.Session.Plan.Ends!.Sampling, work.Session.History!.Until(work.Position + work.Count));
            }
            catch (ModelException exception)
            {
                work.Failure = new Fault { Kind = Kind(exception.Error), Message = exception.Message };
            }
        }
    }

    // Between two rounding points the hidden states pass through the blocks exactly.
    private void Forward(BlockStack stack, Span<float> values, int live, int tokens, SessionPlan plan)
    {
        ReadOnlySpan<StackStep> steps = _steps.AsSpan(0, live);
        int block = plan.Part.Start;
        foreach (int point in plan.InnerPoints)
        {
            Forward(stack, values, steps, tokens, new BlockSpan(block, point));
            plan.Codec.Round(values, tokens, hidden);
            block = point;
        }

        Forward(stack, values, steps, tokens, new BlockSpan(block, plan.Part.End));
    }

    // Block by block, so that others see a long pass move.
    private void Forward(BlockStack stack, Span<float> values, ReadOnlySpan<StackStep> steps, int tokens, BlockSpan blocks)
    {
        for (int block = blocks.Start; block < blocks.End; block++)
        {
            stack.Forward(values, steps, new BlockSpan(block, block + 1));
            Volatile.Write(ref _units, _units + (ulong)tokens);
        }
    }

    private Span<float> Rows(StepPiece piece) => piece.Work.Values!.Values.Slice(piece.First * hidden, piece.Count * hidden);

    private StepPiece FirstLive()
    {
        foreach (StepPiece piece in Pieces)
        {
            if (piece.Work.Failure is null)
                return piece;
        }

        throw new InvalidOperationException("no step to compute");
    }

    private void Copy(Span<float> together, bool gather)
    {
        int at = 0;
        foreach (StepPiece piece in Pieces)
        {
            if (piece.Work.Failure is not null)
                continue;
            Span<float> rows = Rows(piece);
            Span<float> place = together.Slice(at, rows.Length);
            if (gather)
                rows.CopyTo(place);
            else
                place.CopyTo(rows);
            at += rows.Length;
        }
    }

    private Span<float> Gathered(int values)
    {
        if (_gathered is null || _gathered.Length < values)
        {
            _gathered?.Dispose();
            _gathered = new HiddenBuffer(values);
        }

        return _gathered.Values[..values];
    }

    private static FaultKind Kind(ModelError error) => error switch
    {
        ModelError.ContextExceeded => FaultKind.ContextExceeded,
        ModelError.NoCapacity => FaultKind.NoCapacity,
        ModelError.InvalidArgument => FaultKind.InvalidArgument,
        _ => FaultKind.Internal,
    };
}
