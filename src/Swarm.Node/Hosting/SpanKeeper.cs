using Swarm.Models;
using Swarm.Models.Blocks;
using Swarm.Models.Files;
using Swarm.Node.Compute;
using Swarm.Node.Measurement;
using Swarm.Node.Placement;
using Swarm.Node.Sessions;
using Swarm.Node.SwarmEnds;
using Swarm.Protocol;

namespace Swarm.Node.Hosting;

/// <summary>
/// Brings in the blocks that the node serves, and others in their place while it serves. Blocks that stay are neither read nor copied; sessions end on the blocks that they began
/// with. Loading has a thread of its own, below normal priority where the platform heeds it, so that a pass never waits for it. <see cref="MemoryPlan"/> says what goes first.
/// The model's ends come in beside the blocks when sessions need them, as far as the memory goes; for other blocks those that nobody uses go first.
/// </summary>
internal sealed class SpanKeeper : IDisposable
{
    /// <summary>Time that a move which has to drop blocks first waits for the sessions on them; after it the node takes its blocks back.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly NodeOptions _options;
    private readonly long _memoryBytes;
    private readonly KvBudget _budget;
    private readonly SessionTable _table;
    private readonly ComputeLoop _loop;
    private readonly SpeedMeter _speed;
    private readonly IComputeExecutor _loader;
    private readonly Func<Task> _announce;
    private readonly Turn _turn = new();
    private long _fetchedBytes;

    /// <param name="options">Model, kernels, clock and whom to tell.</param>
    /// <param name="memoryBytes">What weights and caches may take together.</param>
    /// <param name="budget">Of all caches.</param>
    /// <param name="table">Whose sessions get the blocks.</param>
    /// <param name="loop">Runs the measurement between passes.</param>
    /// <param name="speed">Told the measurement.</param>
    /// <param name="announce">Tells the swarm what the node serves, and means to, as it is when it is called.</param>
    public SpanKeeper(
        NodeOptions options, long memoryBytes, KvBudget budget, SessionTable table, ComputeLoop loop, SpeedMeter speed, Func<Task> announce)
    {
        _options = options;
        _memoryBytes = memoryBytes;
        _budget = budget;
        _table = table;
        _loop = loop;
        _speed = speed;
        _announce = announce;
        _loader = options.Loader ?? new ThreadExecutor("swarm loading", ThreadPriority.BelowNormal, continueHere: false);
        Ends = new EndsKeeper(LoadEndsAsync);
    }

    /// <summary>The model's ends at this node.</summary>
    public EndsKeeper Ends { get; }

    /// <summary>Bytes of tensors that came from elsewhere.</summary>
    public long FetchedBytes => Interlocked.Read(ref _fetchedBytes);

    /// <summary>A manifest that the ends' tensors must agree with.</summary>
    public ModelManifest? EndsManifest { get; init; }

    /// <summary>What new sessions get; empty while the node serves nothing.</summary>
    public BlockSpan Blocks => _table.Spans.Current?.Blocks ?? default;

    /// <summary>Weights in memory, those that only running sessions still use included.</summary>
    public long WeightBytes
    {
        get
        {
            IReadOnlyList<ServedSpan> held = _table.Spans.Hold();
            try
            {
                return BlockStack.WeightBytesOf(held.Select(span => span.Stack)) + Ends.WeightBytes;
            }
            finally
            {
                _table.Spans.Release(held);
            }
        }
    }

    /// <summary>Loads the first blocks.</summary>
    /// <param name="blocks">What to serve.</param>
    /// <param name="verify">A manifest that tensors must agree with; null where they are known to.</param>
    /// <param name="cancellationToken">Ends loading.</param>
    /// <exception cref="SwarmException">NoCapacity: they do not fit.</exception>
    /// <exception cref="ModelException">What is wrong with the model's files.</exception>
    public async Task LoadAsync(BlockSpan blocks, ModelManifest? verify, CancellationToken cancellationToken)
    {
        await FetchAsync(blocks, cancellationToken);
        await _turn.WaitAsync(cancellationToken);
        try
        {
            long poolBytes = Check(blocks);
            _table.Resize(poolBytes);
            (ServedSpan first, _) = await LoadNextAsync(blocks, verify, cancellationToken);
            _table.Spans.TryReplace(first);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Serves other blocks from now on; ends when it does. What both have in common is served all the time.</summary>
    /// <param name="to">What to serve.</param>
    /// <param name="verify">A manifest that tensors must agree with.</param>
    /// <param name="mayDrop">Asked before blocks are dropped, when all else is done; false gives the move up, and the node serves what it did. Null: without asking.</param>
    /// <param name="cancellationToken">Ends waiting and loading; the node serves what it then has.</param>
    /// <returns>Whether it serves them.</returns>
    /// <exception cref="SwarmException">NoCapacity: they do not fit, or sessions hold the memory for longer than <see cref="Patience"/>.</exception>
    /// <exception cref="ModelException">What is wrong with the model's files.</exception>
    public async Task<bool> MoveAsync(BlockSpan to, ModelManifest? verify, Func<CancellationToken, Task<bool>>? mayDrop, CancellationToken cancellationToken)
    {
        // Before anything is dropped, and before the turn: bytes may be long under way, and meanwhile the node serves what it did.
        Check(to);
        await FetchAsync(to, cancellationToken);
        await _turn.WaitAsync(cancellationToken);
        try
        {
            BlockSpan from = Blocks;
            if (from == to)
                return true;
            long start = _options.Time.GetTimestamp();
            long pool = Check(to);
            long before = _budget.Bytes;
            long both = Math.Max(before, pool);
            Ends.Trim();
            if (Order(to, both) == MoveOrder.DropFirst)
            {
                if (mayDrop is not null && !await mayDrop(cancellationToken))
                    return false;
                mayDrop = null;
                await DropAsync(to, both, cancellationToken);
            }

            _table.Resize(both);
            (ServedSpan next, int loaded) = await LoadNextAsync(to, verify, cancellationToken);
            if (mayDrop is not null && !await AskAsync(mayDrop, next, cancellationToken))
            {
                _table.Resize(before);
                return false;
            }

            _table.Spans.TryReplace(next);
            _table.Resize(pool);
            await _announce();
            ServedSpan now = _table.Spans.Current!;
            _options.OnEvent?.Invoke(new NodeMoved(
                from, to, loaded, now.Stack.WeightBytes, _table.FreeTokens, _speed.TokensPerSecond(to.Count),
                _options.Time.GetElapsedTime(start).TotalSeconds));
            return true;
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose()
    {
        _loader.Dispose();
        Ends.Dispose();
    }

    /// <summary>The KV pool's bytes with these blocks.</summary>
    private long Check(BlockSpan blocks)
    {
        KvLayout layout = KvLayout.For(_options.Source.Config, blocks, _options.Kernels);
        MemoryPlan.Check(blocks, _options.Source.HeldBytes(blocks), layout, _memoryBytes);
        return MemoryPlan.PoolBytes(_memoryBytes, layout);
    }

    /// <summary>Brings the tensors of some blocks to this machine, where they come from elsewhere.</summary>
    private Task FetchAsync(BlockSpan blocks, CancellationToken cancellationToken) => FetchAsync(_options.Source.TensorsOf(blocks), blocks, cancellationToken);

    private async Task FetchAsync(IReadOnlyList<TensorInfo> tensors, BlockSpan? blocks, CancellationToken cancellationToken)
    {
        ITensorStore store = _options.Source.Tensors;
        long missing = store.MissingBytes(tensors);
        if (missing == 0)
            return;
        long before = 0;
        await store.EnsureAsync(
            tensors,
            bytes =>
            {
                // Less than before where what came was thrown away: it came all the same.
                Interlocked.Add(ref _fetchedBytes, Math.Max(0, bytes - Interlocked.Exchange(ref before, bytes)));
                _options.OnEvent?.Invoke(new NodeFetching(blocks, bytes, missing));
            },
            cancellationToken);
    }

    private async Task<ModelEnds> LoadEndsAsync(EndParts parts)
    {
        await FetchAsync(_options.Source.TensorsOf(parts), null, CancellationToken.None);
        // A move may wait for minutes; whoever opens a session does not.
        if (!_turn.TryTake())
            throw new SwarmException(FaultKind.NoCapacity, "the model's ends: this node is loading other blocks");
        try
        {
            MemoryPlan.CheckEnds(parts, _options.Source.HeldBytes(parts), WeightBytes, _budget.Bytes, _memoryBytes);
            var work = new LoadWork<ModelEnds>(() => ModelEnds.Load(_options.Source, _options.Kernels, EndsManifest, parts: parts));
            await _loader.RunAsync(work);
            return work.Take()!;
        }
        finally
        {
            _turn.Release();
        }
    }

    private MoveOrder Order(BlockSpan to, long poolBytes)
    {
        IReadOnlyList<ServedSpan> held = _table.Spans.Hold();
        try
        {
            long missing = 0;
            for (int block = to.Start; block < to.End; block++)
                missing += held.Any(span => span.Blocks.Contains(block)) ? 0 : _options.Source.HeldBytes(block);
            return MemoryPlan.Order(BlockStack.WeightBytesOf(held.Select(span => span.Stack)) + Ends.WeightBytes, missing, poolBytes, _memoryBytes);
        }
        finally
        {
            _table.Spans.Release(held);
        }
    }

    // Serves what stays, says so, and waits until the sessions on the rest have ended.
    private async Task DropAsync(BlockSpan to, long poolBytes, CancellationToken cancellationToken)
    {
        ServedSpan? before = _table.Spans.Current;
        _table.Spans.TryReplace(before is null ? null : Common(before, to));
        await _announce();
        long start = _options.Time.GetTimestamp();
        while (Order(to, poolBytes) == MoveOrder.DropFirst)
        {
            Task[] freed = [.. _table.Spans.All.Where(span => span != _table.Spans.Current).Select(span => span.Freed.Here())];
            // Blocks alone fit: that was checked. Ends that sessions of the blocks that stay use are in the way as well.
            if (freed.Length == 0 && Ends.WeightBytes == 0)
                return;
            TimeSpan left = Patience - _options.Time.GetElapsedTime(start);
            if (freed.Length == 0 || !await FreedAsync(freed, left, cancellationToken))
            {
                if (before is not null && _table.Spans.TryReplace(before))
                    await _announce();
                throw new SwarmException(
                    FaultKind.NoCapacity,
                    $"moving to blocks {to}: sessions have held the memory for {_options.Time.GetElapsedTime(start).TotalSeconds:0} s", blocks: (to.Start, to.End));
            }

            Ends.Trim();
        }
    }

    // One of them is free; false when none is in time.
    private async Task<bool> FreedAsync(Task[] freed, TimeSpan left, CancellationToken cancellationToken)
    {
        try
        {
            await Task.WhenAny(freed).WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, _options.Time, cancellationToken);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    private ServedSpan? Common(ServedSpan before, BlockSpan to)
    {
        var kept = new BlockSpan(Math.Max(before.Blocks.Start, to.Start), Math.Min(before.Blocks.End, to.End));
        if (kept.Count <= 0)
            return null;
        BlockStack stack = BlockStack.Load(_options.Source, kept, _options.Kernels, shared: [before.Stack]);
        return new ServedSpan(stack, new KvPool(_budget, stack.KvLayout));
    }

    private static async Task<bool> AskAsync(Func<CancellationToken, Task<bool>> mayDrop, ServedSpan next, CancellationToken cancellationToken)
    {
        bool may = false;
        try
        {
            may = await mayDrop(cancellationToken);
        }
        finally
        {
            if (!may)
                next.Dispose();
        }

        return may;
    }

    // The span, which nobody uses yet, and how many of its blocks were loaded.
    private async Task<(ServedSpan Next, int Loaded)> LoadNextAsync(BlockSpan blocks, ModelManifest? verify, CancellationToken cancellationToken)
    {
        int loaded = 0;
        IReadOnlyList<ServedSpan> held = _table.Spans.Hold();
        BlockStack[] shared = [.. held.Select(span => span.Stack)];
        var work = new LoadWork<BlockStack>(() => BlockStack.Load(
            _options.Source, blocks, _options.Kernels,
            progress =>
            {
                loaded = progress.Done;
                _options.OnEvent?.Invoke(new NodeLoading(blocks, progress.Done, progress.Of, progress.Bytes, progress.TotalBytes));
            },
            verify, cancellationToken, shared));
        try
        {
            await _loader.RunAsync(work);
        }
        finally
        {
            _table.Spans.Release(held);
        }

        BlockStack stack = work.Take()!;
        var next = new ServedSpan(stack, new KvPool(_budget, stack.KvLayout));
        try
        {
            var probe = new SpeedProbe(stack, _options.Time);
            await _loop.RunBetweenAsync(probe);
            _speed.Probed(probe.Seconds, blocks.Count);
        }
        catch
        {
            next.Dispose();
            throw;
        }

        return (next, loaded);
    }
}
