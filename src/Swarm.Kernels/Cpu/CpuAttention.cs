using System.Runtime.CompilerServices;

namespace Swarm.Kernels.Cpu;

/// <summary>
/// Attention calls over the pool's threads: several sessions in one division, and few heads over many pages by pages. One call at a time; nothing is allocated after the
/// first of a size.
/// </summary>
internal sealed unsafe class CpuAttention : IDisposable
{
    // Tokens whose queries share one reading of a page.
    private const int Stretch = 16;

    // Below this many multiply-adds a sleeping thread would come too late to help.
    private const long WakeWork = 1 << 18;

    private readonly CpuOps _ops;
    private readonly WorkerPool _pool;
    private readonly NativeBuffer[] _scratch;
    private readonly CpuCounters _counters;
    private readonly NativeBuffer _partials = new();
    private readonly Action<int, int> _store;
    private readonly Action<int, int> _attend;
    private readonly Action<int, int> _attendPages;
    private readonly AttentionStep[] _one = new AttentionStep[1];
    private nint[] _pages = [];

    // Arguments of the call in progress.
    private AttentionStep[] _steps = [];
    private int[] _firstTokens = [];
    private int[] _firstUnits = [];
    private int[] _firstPages = [];
    private int[] _missing = [];
    private int _stepCount;
    private int _units;
    private int _chunkPages;
    private AttentionShape _shape;
    private long _pageOffset;
    private RotaryTable? _rotary;
    private float* _queries;
    private float* _keys;
    private float* _values;
    private float* _output;
    private long _shared;

    public CpuAttention(CpuOps ops, WorkerPool pool, NativeBuffer[] scratch, CpuCounters counters)
    {
        (_ops, _pool, _scratch, _counters) = (ops, pool, scratch, counters);
        _store = StorePart;
        _attend = AttendPart;
        _attendPages = AttendPagesPart;
    }

    /// <summary>A single step over pages that are borrowed for the call.</summary>
    public ReadOnlySpan<AttentionStep> Step(ReadOnlySpan<nint> pages, int firstPosition, int tokens)
    {
        if (_pages.Length < pages.Length)
            _pages = new nint[2 * pages.Length];
        pages.CopyTo(_pages);
        _one[0] = new AttentionStep(_pages.AsMemory(0, pages.Length), firstPosition, tokens);
        return _one;
    }

    /// <summary>Stores keys and values [Σ tokens, KeyValueHeads, HeadDimension] of the steps, keys as they are.</summary>
    public void Store(in AttentionShape shape, ReadOnlySpan<AttentionStep> steps, long pageOffset, float* keys, float* values)
    {
        Take(shape, steps, pageOffset, null);
        _keys = keys;
        _values = values;
        RunStore(leastTokens: 1);
    }

    /// <summary>
    /// Attention of all steps' queries [Σ tokens, Heads, HeadDimension]. With keys and values given they are stored first; with a table queries and keys are turned, the
    /// originals staying as they are.
    /// </summary>
    public void Attend(
        in AttentionShape shape, ReadOnlySpan<AttentionStep> steps, long pageOffset, RotaryTable? rotary, float* queries, float* keys, float* values, float* output)
    {
        int threads = _pool.Threads, heads = shape.KeyValueHeads;
        long positions = Take(shape, steps, pageOffset, rotary);
        _queries = queries;
        _keys = keys;
        _values = values;
        _output = output;
        bool single = _firstTokens[_stepCount - 1] == _stepCount - 1 && steps[^1].Tokens == 1;
        if (keys != null && !single)
            RunStore(leastTokens: 2);

        bool wake = 2L * shape.Heads * shape.HeadDimension * positions >= WakeWork;
        _shared = 0;
        _chunkPages = int.MaxValue;
        long pages = 0;
        if (single && threads > 1 && _stepCount * heads < 4 * threads)
        {
            foreach (AttentionStep step in steps)
                pages += Pages(step);
            _chunkPages = (int)((pages * heads + 8 * threads - 1) / (8 * threads));
        }

        if (pages > _stepCount)
        {
            DivideByPages();
            _pool.Run(checked(_units * heads), wake, _attendPages);
            _counters.AttentionByPages++;
        }
        else
        {
            _units = 0;
            for (int i = 0; i < _stepCount; i++)
            {
                _firstUnits[i] = _units;
                _units += (_steps[i].Tokens + Stretch - 1) / Stretch;
            }

            _pool.Run(checked(_units * heads), wake, _attend);
        }

        _counters.AttentionShared += _shared;
        if (_ops.Width != CpuWidth.Scalar)
            _counters.AttentionVector++;
        if (_stepCount > 1)
            _counters.AttentionJoined++;
        Array.Clear(_steps, 0, _stepCount);
    }

    public void Dispose() => _partials.Dispose();

    private static int Pages(in AttentionStep step) => (step.FirstPosition + step.Tokens - 1) / KernelSet.PagePositions + 1;

    /// <summary>Copies the call's arguments; returns positions seen by all tokens, about.</summary>
    private long Take(in AttentionShape shape, ReadOnlySpan<AttentionStep> steps, long pageOffset, RotaryTable? rotary)
    {
        if (_steps.Length < steps.Length)
        {
            int capacity = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)steps.Length);
            _steps = new AttentionStep[capacity];
            _firstTokens = new int[capacity];
            _firstUnits = new int[capacity];
            _firstPages = new int[capacity];
        }

        if (_missing.Length < _steps.Length * shape.KeyValueHeads)
            _missing = new int[_steps.Length * shape.KeyValueHeads];
        (_shape, _pageOffset, _rotary, _stepCount) = (shape, pageOffset, rotary, steps.Length);
        steps.CopyTo(_steps);
        int tokens = 0;
        long positions = 0;
        for (int i = 0; i < steps.Length; i++)
        {
            _firstTokens[i] = tokens;
            tokens += steps[i].Tokens;
            positions += (long)steps[i].Tokens * (steps[i].FirstPosition + steps[i].Tokens);
            rotary?.Extend(steps[i].FirstPosition + steps[i].Tokens);
        }

        return positions;
    }

    // A page of a step and head is one thread's: its cache lines hold several positions.
    private void RunStore(int leastTokens)
    {
        _units = 0;
        for (int i = 0; i < _stepCount; i++)
        {
            _firstUnits[i] = _units;
            if (_steps[i].Tokens >= leastTokens)
                _units += Pages(_steps[i]) - _steps[i].FirstPosition / KernelSet.PagePositions;
        }

        _pool.Run(checked(_units * _shape.KeyValueHeads), wake: _units > 1, _store);
    }

    // Units are chunks of a step's pages; shares of each page are kept, for a sum over pages has one order.
    private void DivideByPages()
    {
        _units = 0;
        int pages = 0;
        for (int i = 0; i < _stepCount; i++)
        {
            int own = Pages(_steps[i]);
            int chunks = (own + _chunkPages - 1) / _chunkPages;
            _firstUnits[i] = _units;
            _firstPages[i] = pages;
            _units += chunks;
            pages += own;
            _missing.AsSpan(i * _shape.KeyValueHeads, _shape.KeyValueHeads).Fill(chunks);
        }

        _partials.Require((long)pages * _shape.Heads * (_shape.HeadDimension + 2) * sizeof(float));
    }

    private int StepOf(int unit)
    {
        int low = 0;
        for (int high = _stepCount - 1; low < high;)
        {
            int middle = (low + high + 1) / 2;
            if (_firstUnits[middle] <= unit)
                low = middle;
            else
                high = middle - 1;
        }

        return low;
    }

    private AttentionJob JobOf(int step, nint* pages)
    {
        long queryOffset = (long)_firstTokens[step] * _shape.Heads * _shape.HeadDimension;
        long keyOffset = (long)_firstTokens[step] * _shape.KeyValueHeads * _shape.HeadDimension;
        return new AttentionJob
        {
            Shape = _shape,
            Pages = pages,
            PageOffset = _pageOffset,
            FirstPosition = _steps[step].FirstPosition,
            Rotary = _rotary,
            Queries = _queries + queryOffset,
            Keys = _keys == null ? null : _keys + keyOffset,
            Values = _keys == null ? null : _values + keyOffset,
            Output = _output + queryOffset,
        };
    }

    private void StorePart(int worker, int task)
    {
        (int unit, int head) = Math.DivRem(task, _shape.KeyValueHeads);
        int step = StepOf(unit);
        int first = _steps[step].FirstPosition;
        int page = first / KernelSet.PagePositions + unit - _firstUnits[step];
        int from = Math.Max(first, page * KernelSet.PagePositions);
        int to = Math.Min(first + _steps[step].Tokens, (page + 1) * KernelSet.PagePositions);
        byte* scratch = _scratch[worker].Require(StoreScratch);
        fixed (nint* pages = _steps[step].Pages.Span)
        {
            AttentionJob job = JobOf(step, pages);
            for (int position = from; position < to; position++)
                StoreToken(job, head, position - first, scratch);
        }
    }

    // The longest stretches of a prompt are its last: they go first, so that threads end together.
    private void AttendPart(int worker, int task)
    {
        (int unit, int head) = Math.DivRem(_units * _shape.KeyValueHeads - 1 - task, _shape.KeyValueHeads);
        int step = StepOf(unit);
        int first = (unit - _firstUnits[step]) * Stretch;
        int tokens = Math.Min(Stretch, _steps[step].Tokens - first);
        fixed (nint* pages = _steps[step].Pages.Span)
        {
            AttentionJob job = JobOf(step, pages);
            Interlocked.Add(ref _shared, AttendStretch(job, head, first, tokens, _steps[step].Tokens == 1, worker));
        }
    }

    private void AttendPagesPart(int worker, int task)
    {
        (int unit, int head) = Math.DivRem(task, _shape.KeyValueHeads);
        int step = StepOf(unit);
        int pageCount = Pages(_steps[step]);
        int first = (unit - _firstUnits[step]) * _chunkPages;
        int last = Math.Min(pageCount, first + _chunkPages);
        fixed (nint* pages = _steps[step].Pages.Span)
        {
            AttentionJob job = JobOf(step, pages);
            Interlocked.Add(ref _shared, AttendPages(job, step, head, first, last, last == pageCount, worker));
            if (Interlocked.Decrement(ref _missing[step * _shape.KeyValueHeads + head]) == 0)
                FoldPages(job, step, head, pageCount);
        }
    }

    private long StoreScratch => _shape.HeadDimension * (sizeof(float) + sizeof(ushort));

    /// <summary>Stores one token's key and value of a head.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void StoreToken(in AttentionJob job, int head, int token, byte* scratch)
    {
        int size = job.Shape.HeadDimension;
        (int page, int slot) = Math.DivRem(job.FirstPosition + token, KernelSet.PagePositions);
        float* key = job.Keys + job.KeyOffset(token, head);
        float* turned = (float*)scratch;
        ushort* halves = (ushort*)(turned + size);
        if (job.Rotary is not null)
        {
            Turn(job, key, turned, 1, job.FirstPosition + token);
            key = turned;
        }

        _ops.ToHalf(key, halves, size);
        ushort* to = job.StoredKeys(page, head) + slot;
        for (int d = 0; d < size; d++)
            to[d * KernelSet.PagePositions] = halves[d];
        _ops.ToHalf(job.Values + job.KeyOffset(token, head), job.StoredValues(page, head) + slot * size, size);
    }

    private void Turn(in AttentionJob job, float* from, float* to, int heads, int position)
    {
        int values = heads * job.Shape.HeadDimension;
        new ReadOnlySpan<float>(from, values).CopyTo(new Span<float>(to, values));
        if (job.Rotary is not { } table)
            return;
        fixed (float* cosines = table.Cosines(position), sines = table.Sines(position))
            _ops.Rotary(to, heads, job.Shape.HeadDimension, table.Layout, cosines, sines, table.Pairs);
    }

    // Tokens of one step over one head, page after page.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int AttendStretch(in AttentionJob job, int head, int firstToken, int tokens, bool store, int worker)
    {
        int size = job.Shape.HeadDimension, heads = job.GroupHeads, queries = tokens * heads;
        long own = (2L * queries * size + 4 * queries) * sizeof(float);
        byte* scratch = _scratch[worker].Require(own + Math.Max(StoreScratch, _ops.PageScratch(size, queries)));
        if (store && job.Keys != null)
            StoreToken(job, head, firstToken, scratch);
        float* turned = (float*)scratch;
        float* weighted = turned + queries * size;
        float* pageMaxima = weighted + queries * size, pageSums = pageMaxima + queries, maxima = pageSums + queries, sums = maxima + queries;
        scratch += own;
        for (int token = 0; token < tokens; token++)
            Turn(job, job.Queries + job.QueryOffset(firstToken + token, head), turned + token * heads * size, heads, job.FirstPosition + firstToken + token);

        int position = job.FirstPosition + firstToken, lastPage = (position + tokens - 1) / KernelSet.PagePositions, shared = 0;
        for (int page = 0; page <= lastPage; page++)
        {
            // Tokens before this page do not see it.
            int skipped = Math.Max(0, page * KernelSet.PagePositions - position);
            shared += _ops.AttendPage(
                new PageQueries
                {
                    Keys = job.StoredKeys(page, head),
                    Values = job.StoredValues(page, head),
                    Next = page < lastPage ? job.StoredKeys(page + 1, head) : null,
                    Size = size,
                    Scale = job.Shape.Scale,
                    Tokens = tokens - skipped,
                    Heads = heads,
                    Seen = position + skipped - page * KernelSet.PagePositions + 1,
                    Queries = turned + skipped * heads * size,
                    Weighted = weighted,
                    Maxima = pageMaxima,
                    Sums = pageSums,
                },
                scratch);
            for (int token = skipped, from = 0; token < tokens; token++)
            {
                float* output = job.Output + job.QueryOffset(firstToken + token, head);
                for (int query = token * heads; query < (token + 1) * heads; query++, from++, output += size)
                    _ops.Fold(page == 0, pageMaxima[from], pageSums[from], weighted + from * size, ref maxima[query], ref sums[query], output, size);
            }
        }

        for (int token = 0; token < tokens; token++)
        {
            float* output = job.Output + job.QueryOffset(firstToken + token, head);
            for (int query = token * heads; query < (token + 1) * heads; query++, output += size)
                _ops.Multiply(output, KernelMath.Reciprocal(sums[query]), size);
        }

        return shared;
    }

    // The one token of a step over some pages of one head; the shares of each page are kept.
    private int AttendPages(in AttentionJob job, int step, int head, int firstPage, int endPage, bool store, int worker)
    {
        int size = job.Shape.HeadDimension, heads = job.GroupHeads, shared = 0;
        long own = (long)heads * size * sizeof(float);
        byte* scratch = _scratch[worker].Require(own + Math.Max(StoreScratch, _ops.PageScratch(size, heads)));
        if (store && job.Keys != null)
            StoreToken(job, head, 0, scratch);
        float* turned = (float*)scratch;
        Turn(job, job.Queries + job.QueryOffset(0, head), turned, heads, job.FirstPosition);
        for (int page = firstPage; page < endPage; page++)
        {
            float* share = Share(step, page, head);
            shared += _ops.AttendPage(
                new PageQueries
                {
                    Keys = job.StoredKeys(page, head),
                    Values = job.StoredValues(page, head),
                    Next = page + 1 < endPage ? job.StoredKeys(page + 1, head) : null,
                    Size = size,
                    Scale = job.Shape.Scale,
                    Tokens = 1,
                    Heads = heads,
                    Seen = job.FirstPosition - page * KernelSet.PagePositions + 1,
                    Queries = turned,
                    Weighted = share,
                    Maxima = share + heads * size,
                    Sums = share + heads * size + heads,
                },
                scratch + own);
        }

        return shared;
    }

    private void FoldPages(in AttentionJob job, int step, int head, int pageCount)
    {
        int size = job.Shape.HeadDimension, heads = job.GroupHeads;
        for (int query = 0; query < heads; query++)
        {
            float* output = job.Output + job.QueryOffset(0, head) + query * size;
            float maximum = 0, sum = 0;
            for (int page = 0; page < pageCount; page++)
            {
                float* share = Share(step, page, head);
                float* maxima = share + heads * size;
                _ops.Fold(page == 0, maxima[query], maxima[heads + query], share + query * size, ref maximum, ref sum, output, size);
            }

            _ops.Multiply(output, KernelMath.Reciprocal(sum), size);
        }
    }

    // Weighted values [GroupHeads][HeadDimension] of a page and key-value head, then maxima and sums [GroupHeads] each.
    private float* Share(int step, int page, int head) =>
        (float*)_partials.Pointer + ((long)(_firstPages[step] + page) * _shape.KeyValueHeads + head) * (_shape.Heads / _shape.KeyValueHeads) * (_shape.HeadDimension + 2);
}
