using Swarm.Models;
using Swarm.Models.Blocks;
using Swarm.Protocol;

namespace Swarm.Client;

/// <summary>
/// All blocks in this process. Computes in the calling thread. Rounding points are applied as a swarm would apply them, so the text is that of
/// any swarm with the same rounding points.
/// </summary>
internal sealed class LocalBlockChain(BlockStack stack, KvPool pool, TimeProvider time) : IBlockChain
{
    private float[] _scratch = [];

    public BlockSpan Blocks => stack.Span;

    internal BlockStack Stack => stack;

    /// <summary>Held while the kernels compute: they have one caller at a time.</summary>
    internal Lock Device { get; } = new();

    public ValueTask<IChainSession> OpenAsync(ChainSessionOptions options, CancellationToken cancellationToken = default)
    {
        if (options.Ends == EndsMode.Swarm)
            throw new SwarmException(FaultKind.InvalidArgument, "ends: swarm (1), expected local (0): the model is in this process");
        SessionShape shape = SessionShape.Resolve(options, stack.Span, stack.Config.Context, []);
        KvCache cache = pool.CreateCache();
        if (cache.TryReserve(shape.ExpectedPositions))
            return ValueTask.FromResult<IChainSession>(new LocalChainSession(this, shape, cache));
        cache.Dispose();
        throw new SwarmException(
            FaultKind.NoCapacity, $"key-value cache: {shape.ExpectedPositions} positions asked for, {pool.FreeTokens} are free");
    }

    public ValueTask ForwardTogetherAsync(IReadOnlyList<ChainStep> steps, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Forward([.. steps]);
        return default;
    }

    public ValueTask DisposeAsync()
    {
        pool.Dispose();
        stack.Dispose();
        return default;
    }

    internal void Forward(ReadOnlySpan<ChainStep> steps)
    {
        lock (Device)
        {
            int hidden = stack.Config.Hidden;
            int tokens = 0;
            var shape = ((LocalChainSession)steps[0].Session).Shape;
            var stackSteps = new StackStep[steps.Length];
            for (int index = 0; index < steps.Length; index++)
            {
                ref readonly ChainStep step = ref steps[index];
                var session = (LocalChainSession)step.Session;
                if (!session.Shape.ComputesLike(shape))
                    throw new SwarmException(FaultKind.InvalidArgument, "sessions of one pass: expected the same blocks, codec and rounding points");
                session.Check(step.Position, step.Count);
                stackSteps[index] = new StackStep(session.Cache, step.Position, step.Count);
                tokens += step.Count;
            }

            if (_scratch.Length < tokens * hidden)
                _scratch = new float[tokens * hidden];
            Span<float> values = _scratch.AsSpan(0, tokens * hidden);
            int at = 0;
            foreach (ref readonly ChainStep step in steps)
            {
                step.Hidden.Span[..(step.Count * hidden)].CopyTo(values[at..]);
                at += step.Count * hidden;
            }

            long start = time.GetTimestamp();
            Compute(values, stackSteps, tokens, shape);
            TimeSpan elapsed = time.GetElapsedTime(start);

            at = 0;
            foreach (ref readonly ChainStep step in steps)
            {
                ReadOnlySpan<float> output = values.Slice(at, step.Count * hidden);
                at += output.Length;
                if (step.Outputs == OutputRows.Last)
                    output[^hidden..].CopyTo(step.Result.Span);
                else if (step.Outputs == OutputRows.All)
                    output.CopyTo(step.Result.Span);
                ((LocalChainSession)step.Session).Advance(step.Position + step.Count, step.Count, elapsed);
            }
        }
    }

    // Between two rounding points the hidden states pass through the blocks exactly.
    private void Compute(Span<float> values, ReadOnlySpan<StackStep> steps, int tokens, SessionShape shape)
    {
        try
        {
            int block = shape.Blocks.Start;
            foreach (int point in shape.RoundingPoints)
            {
                if (point > block)
                    stack.Forward(values, steps, new BlockSpan(block, point));
                shape.Codec.Round(values, tokens, stack.Config.Hidden);
                block = point;
            }

            if (block < shape.Blocks.End)
                stack.Forward(values, steps, new BlockSpan(block, shape.Blocks.End));
        }
        catch (ModelException exception)
        {
            throw exception.ToSwarm();
        }
    }
}
