using Swarm.Kernels;

namespace Swarm.Models.Blocks;

/// <summary>
/// Contiguous blocks of a model, loaded and ready to compute, for every family. One thread at a time, over all stacks that share blocks; nothing is allocated after the first
/// pass of a size.
/// </summary>
public sealed class BlockStack : IDisposable
{
    private readonly KernelSet _kernels;
    private readonly TransformerBlock[] _blocks;
    private readonly RotaryTables _rotary;
    private readonly StackScratch _scratch;
    private bool _disposed;

    private BlockStack(ModelConfig config, BlockSpan span, KernelSet kernels, TransformerBlock[] blocks, TensorLoader loader, StackScratch scratch)
    {
        Config = config;
        Span = span;
        _kernels = kernels;
        _blocks = blocks;
        _rotary = loader.RotaryTables;
        _scratch = scratch;
        BytesRead = loader.BytesRead;
        KvLayout = KvLayout.For(config, span, kernels);
    }

    /// <summary>The model's shape.</summary>
    public ModelConfig Config { get; }

    /// <summary>The blocks it holds.</summary>
    public BlockSpan Span { get; }

    /// <summary>What the experts of its blocks did, and of those stacks that share blocks with it.</summary>
    public ExpertCounters Experts => _scratch.ExpertCounters;

    /// <summary>Layout of the caches that it works with; a test may take another of the same blocks.</summary>
    public KvLayout KvLayout { get; internal set; }

    /// <summary>Bytes of weights in memory.</summary>
    public long WeightBytes => _blocks.Sum(block => block.ResidentBytes);

    /// <summary>Bytes of the stored tensors that were loaded for this stack; blocks that it shares are not among them.</summary>
    public long BytesRead { get; }

    /// <summary>Attention calls that passes were cut into because they wrote over pages of a window.</summary>
    public long WindowCuts => _scratch.WindowCuts;

    /// <summary>Bytes of weights in memory for several stacks together: a block that some of them share counts once.</summary>
    public static long WeightBytesOf(IEnumerable<BlockStack> stacks) =>
        stacks.SelectMany(stack => stack._blocks).Distinct().Sum(block => block.ResidentBytes);

    /// <summary>Loads the blocks of a span, and reads no other tensors. Runs beside passes of other stacks.</summary>
    /// <param name="source">The model.</param>
    /// <param name="span">The blocks.</param>
    /// <param name="kernels">Who computes; must outlive the stack.</param>
    /// <param name="progress">Called after each block.</param>
    /// <param name="verify">A manifest that each tensor must agree with; null trusts the file.</param>
    /// <param name="cancellationToken">Ends loading between two tensors.</param>
    /// <param name="shared">
    /// Living stacks of the same model and kernels, which the caller does not dispose meanwhile: what they hold is shared, not loaded again.
    /// </param>
    /// <exception cref="ModelException">
    /// InvalidArgument: blocks that the model has not. CorruptModel: a tensor is missing, misshapen or differs from the manifest. UnsupportedModel: a type that kernels lack.
    /// </exception>
    public static BlockStack Load(
        ModelSource source,
        BlockSpan span,
        KernelSet kernels,
        Action<LoadProgress>? progress = null,
        ModelManifest? verify = null,
        CancellationToken cancellationToken = default,
        IReadOnlyList<BlockStack>? shared = null)
    {
        ModelConfig config = source.Config;
        if (span.Start < 0 || span.End > config.Blocks || span.Count <= 0)
        {
            throw new ModelException(
                ModelError.InvalidArgument, $"blocks {span}, expected a span within the model's blocks {config.AllBlocks} with at least one block");
        }

        IReadOnlyList<BlockStack> others = shared ?? [];
        if (others.FirstOrDefault(other => other._kernels != kernels || other.Config != config) is { } stranger)
            throw new ModelException(ModelError.InvalidArgument, $"shared blocks {stranger.Span} are of another model or kernel set");
        BlockStack? first = others.Count > 0 ? others[0] : null;
        var loader = new TensorLoader(source, kernels, verify, first?._rotary, cancellationToken);
        int[] missing = [.. Enumerable.Range(span.Start, span.Count).Where(block => Held(others, block) is null)];
        long total = missing.Sum(source.StoredBytes);
        int loaded = 0;
        var blocks = new List<TransformerBlock>(span.Count);
        try
        {
            for (int block = span.Start; block < span.End; block++)
            {
                if (Held(others, block) is { } held)
                {
                    held.Retain();
                    blocks.Add(held);
                    continue;
                }

                blocks.Add(loader.Family.LoadBlock(loader, block));
                progress?.Invoke(new LoadProgress(block, ++loaded, missing.Length, loader.BytesRead, total));
            }

            return new BlockStack(config, span, kernels, [.. blocks], loader, first?._scratch ?? new StackScratch(config));
        }
        catch
        {
            foreach (TransformerBlock block in blocks)
                block.Dispose();
            // Of the block that failed, what there is of it; of the others it is gone already.
            loader.DisposeLoaded();
            throw;
        }
    }

    /// <summary>
    /// Brings hidden states through the blocks, in place. The result for a token depends on its session alone: not on the other steps of the pass, nor on how a session is
    /// cut into steps.
    /// </summary>
    /// <param name="hidden">[Σ counts, Hidden]: the steps' tokens in turn; before the span's first block on entry, after its last on return.</param>
    /// <param name="steps">One a session; each cache grows to Position + Count.</param>
    /// <param name="part">Some of the span's blocks; null for all. A step goes through the parts in turn.</param>
    /// <exception cref="ModelException">InvalidArgument: a step that does not fit, or goes back to where a window's positions are gone. ContextExceeded: positions beyond the model's. NoCapacity: the pool is exhausted.</exception>
    public void Forward(Span<float> hidden, ReadOnlySpan<StackStep> steps, BlockSpan? part = null)
    {
        // Step 9: BlockStack.Forward(hidden, kv, positions) for each block of the span.
        BlockSpan blocks = part ?? Span;
        if (blocks.Start < Span.Start || blocks.End > Span.End || blocks.Count <= 0)
            throw new ModelException(ModelError.InvalidArgument, $"blocks {blocks}, expected a part of {Span} with at least one block");
        CheckAndReserve(hidden.Length, steps, blocks);

        int next = 0;
        int consumed = 0;
        while (next < steps.Length)
        {
            int tokens = FillPass(steps, ref next, ref consumed, out int stepCount);
            ForwardPass(hidden[..(tokens * Config.Hidden)], _scratch.Steps.AsSpan(0, stepCount), tokens, blocks);
            hidden = hidden[(tokens * Config.Hidden)..];
        }
    }

    /// <summary>Lets go of the blocks: those that no other stack shares are freed.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        foreach (TransformerBlock block in _blocks)
            block.Dispose();
    }

    private static TransformerBlock? Held(IReadOnlyList<BlockStack> stacks, int block)
    {
        foreach (BlockStack stack in stacks)
        {
            if (stack.Span.Contains(block))
                return stack._blocks[block - stack.Span.Start];
        }

        return null;
    }

    private void CheckAndReserve(int hiddenLength, ReadOnlySpan<StackStep> steps, BlockSpan blocks)
    {
        long tokens = 0;
        foreach ((KvCache cache, int position, int count) in steps)
        {
            if (count < 1)
                throw new ModelException(ModelError.InvalidArgument, $"a step of {count} tokens, expected at least 1");
            if (cache.Layout != KvLayout)
                throw new ModelException(ModelError.InvalidArgument, $"a cache laid out for blocks {cache.Layout.Span}, expected {Span} under the same kernels");
            if (position < 0 || position > cache.Length)
                throw new ModelException(ModelError.InvalidArgument, $"position {position}, expected 0 to the cache's length {cache.Length}");
            if (count > Config.Context - position)
            {
                throw new ModelException(
                    ModelError.ContextExceeded, $"position {position} + {count} tokens = {(long)position + count}, expected at most the context of {Config.Context}");
            }

            if (cache.LeastWritable(blocks, position) is { } least)
            {
                throw new ModelException(
                    ModelError.InvalidArgument, $"position {position}, expected 0 or at least {least}: what a window needs before it is there no more");
            }

            tokens += count;
        }

        if (tokens * Config.Hidden != hiddenLength)
            throw new ModelException(ModelError.InvalidArgument, $"{hiddenLength} hidden values, expected {tokens} tokens of {Config.Hidden}");
        foreach ((KvCache cache, int position, int count) in steps)
        {
            if (!cache.TryWrite(position, count))
                throw new ModelException(ModelError.NoCapacity, $"no room for {position + count} positions in the key-value cache");
            _rotary.Extend(position + count);
        }

        _scratch.Ensure((int)Math.Min(tokens, StackScratch.PassTokens));
    }

    /// <summary>Takes the next tokens of the steps, cutting a step that does not fit, and returns how many.</summary>
    private int FillPass(ReadOnlySpan<StackStep> steps, ref int next, ref int consumed, out int stepCount)
    {
        int tokens = 0;
        stepCount = 0;
        while (next < steps.Length && tokens < StackScratch.PassTokens)
        {
            StackStep step = steps[next];
            int count = Math.Min(step.Count - consumed, StackScratch.PassTokens - tokens);
            _scratch.Steps[stepCount++] = new StackStep(step.Cache, step.Position + consumed, count);
            tokens += count;
            consumed += count;
            if (consumed == step.Count)
            {
                next++;
                consumed = 0;
            }
        }

        return tokens;
    }

    private void ForwardPass(Span<float> hidden, ReadOnlySpan<StackStep> steps, int tokens, BlockSpan blocks)
    {
        Span<AttentionStep> attention = _scratch.AttentionSteps.AsSpan(0, steps.Length);
        int pagesOf = -1;
        for (int block = blocks.Start; block < blocks.End; block++)
        {
            (int group, long offset) = KvLayout.PlaceOf(block);
            for (int i = 0; i < steps.Length; i++)
            {
                if (group != pagesOf)
                    attention[i] = new AttentionStep(steps[i].Cache.PagesOf(group), steps[i].Position, steps[i].Count);
                steps[i].Cache.Wrote(block, steps[i].Position, steps[i].Count);
            }

            pagesOf = group;
            _blocks[block - Span.Start].Forward(_kernels, _scratch, hidden, attention, tokens, offset);
        }

        foreach ((KvCache cache, int position, int count) in steps)
            cache.Length = position + count;
    }
}
