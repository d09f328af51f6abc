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

    /// <summary>Stores keys and values of the steps, keys as they are.</summary>
    public void Store(in AttentionShape shape, ReadOnlySpan<AttentionStep> steps, long pageOffset, float* keys, float* values)
    {
        Take(shape, steps, pageOffset, null);
        _keys = keys;
        _values = values;
        RunStore(leastTokens: 1);
    }

    /// <summary>
    /// Attention of all steps' queries. With keys and values given they are stored first; with a table queries and keys are turned, the originals staying as they are.
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
                pages += Pages(step) - FirstPage(step);
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

    /// <summary>The first page that a step's first token sees.</summary>
    private int FirstPage(in AttentionStep step) => _shape.FirstSeen(step.FirstPosition) / KernelSet.PagePositions;

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
            positions += (long)steps[i].Tokens * (steps[i].FirstPosition + steps[i].Tokens - shape.FirstSeen(steps[i].FirstPosition));
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
            int own = Pages(_steps[i]) - FirstPage(_steps[i]);
            int chunks = (own + _chunkPages - 1) / _chunkPages;
            _firstUnits[i] = _units;
            _firstPages[i] = pages;
            _units += chunks;
            pages += own;
            _missing.AsSpan(i * _shape.KeyValueHeads, _shape.KeyValueHeads).Fill(chunks);
        }

        _partials.Require((long)pages * _shape.Heads * (_shape.ValueDimension + 2) * sizeof(float));
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

    private AttentionJob JobOf(int step, nint* pages, float* slopes = null)
    {
        long first = _firstTokens[step];
        return new AttentionJob
        {
            Shape = _shape,
            Pages = pages,
            PageOffset = _pageOffset,
            FirstPosition = _steps[step].FirstPosition,
            Slopes = slopes,
            Rotary = _rotary,
            Queries = _queries + first * _shape.QueryWidth,
            Keys = _keys == null ? null : _keys + first * _shape.KeyWidth,
            Values = _keys == null ? null : _values + first * _shape.ValueWidth,
            Output = _output + first * _shape.OutputWidth,
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
        fixed (float* slopes = _shape.Slopes)
        {
            AttentionJob job = JobOf(step, pages, slopes);
            Interlocked.Add(ref _shared, AttendStretch(job, head, first, tokens, _steps[step].Tokens == 1, worker));
        }
    }

    private void AttendPagesPart(int worker, int task)
    {
        (int unit, int head) = Math.DivRem(task, _shape.KeyValueHeads);
        int step = StepOf(unit);
        int firstPage = FirstPage(_steps[step]), pageCount = Pages(_steps[step]) - firstPage;
        int first = (unit - _firstUnits[step]) * _chunkPages;
        int last = Math.Min(pageCount, first + _chunkPages);
        fixed (nint* pages = _steps[step].Pages.Span)
        fixed (float* slopes = _shape.Slopes)
        {
            AttentionJob job = JobOf(step, pages, slopes);
            Interlocked.Add(ref _shared, AttendPages(job, step, head, firstPage, first, last, last == pageCount, worker));
            if (Interlocked.Decrement(ref _missing[step * _shape.KeyValueHeads + head]) == 0)
                FoldPages(job, step, head, pageCount);
        }
    }

    private long StoreScratch => _shape.HeadDimension * (sizeof(float) + sizeof(ushort));

    /// <summary>Stores one token's key and value of a head.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void StoreToken(in AttentionJob job, int head, int token, byte* scratch)
    {
        int size = job.Shape.HeadDimension, valueSize = job.Shape.ValueDimension;
        (int page, int slot) = Math.DivRem(job.FirstPosition + token, KernelSet.PagePositions);
        float* key = job.KeyOf(token, head);
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
        if (!job.Shape.ValuesInKeys)
            _ops.ToHalf(job.ValueOf(token, head), job.StoredValues(page, head) + slot * valueSize, valueSize);
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
        int keySize = job.Shape.HeadDimension, size = job.Shape.ValueDimension, heads = job.GroupHeads, queries = tokens * heads;
        long own = ((long)queries * (keySize + size) + 4 * queries) * sizeof(float);
        byte* scratch = _scratch[worker].Require(own + TurnedValues + Math.Max(StoreScratch, _ops.PageScratch(keySize, size, queries)));
        if (store && job.Keys != null)
            StoreToken(job, head, firstToken, scratch);
        float* turned = (float*)scratch;
        float* weighted = turned + queries * keySize;
        float* pageMaxima = weighted + queries * size, pageSums = pageMaxima + queries, maxima = pageSums + queries, sums = maxima + queries;
        scratch += own + TurnedValues;
        for (int token = 0; token < tokens; token++)
            Turn(job, job.QueriesOf(firstToken + token, head), turned + token * heads * keySize, heads, job.FirstPosition + firstToken + token);

        int position = job.FirstPosition + firstToken, lastPage = (position + tokens - 1) / KernelSet.PagePositions, shared = 0;
        for (int page = job.Shape.FirstSeen(position) / KernelSet.PagePositions; page <= lastPage; page++)
        {
            // Tokens before this page do not see it, nor do those whose windows begin behind it.
            int skipped = Math.Max(0, page * KernelSet.PagePositions - position);
            int end = Math.Min(tokens, KernelSet.PagePositions - job.HiddenBefore(firstToken, page));
            PageQueries queriesOfPage = Queries(job, head, firstToken + skipped, page, last: page == lastPage);
            queriesOfPage.Values = ValuesOf(job, head, page, (ushort*)(scratch - TurnedValues));
            queriesOfPage.Tokens = end - skipped;
            queriesOfPage.Queries = turned + skipped * heads * keySize;
            queriesOfPage.Weighted = weighted;
            queriesOfPage.Maxima = pageMaxima;
            queriesOfPage.Sums = pageSums;
            shared += _ops.AttendPage(queriesOfPage, scratch);
            for (int token = skipped, from = 0; token < end; token++)
            {
                bool first = page == job.Shape.FirstSeen(position + token) / KernelSet.PagePositions;
                float* output = job.OutputOf(firstToken + token, head);
                for (int query = token * heads; query < (token + 1) * heads; query++, from++, output += size)
                    _ops.Fold(first, pageMaxima[from], pageSums[from], weighted + from * size, ref maxima[query], ref sums[query], output, size);
            }
        }

        for (int token = 0; token < tokens; token++)
        {
            float* output = job.OutputOf(firstToken + token, head);
            for (int query = token * heads, i = 0; i < heads; query++, i++, output += size)
                _ops.Finish(Sink(job, head, i), maxima[query], sums[query], output, size);
        }

        return shared;
    }

    // The one token of a step over some of the pages that it sees, counted from their first; the shares of each are kept.
    private int AttendPages(in AttentionJob job, int step, int head, int firstPage, int first, int end, bool store, int worker)
    {
        int keySize = job.Shape.HeadDimension, size = job.Shape.ValueDimension, heads = job.GroupHeads, shared = 0;
        long own = (long)heads * keySize * sizeof(float);
        byte* scratch = _scratch[worker].Require(own + TurnedValues + Math.Max(StoreScratch, _ops.PageScratch(keySize, size, heads)));
        if (store && job.Keys != null)
            StoreToken(job, head, 0, scratch);
        float* turned = (float*)scratch;
        Turn(job, job.QueriesOf(0, head), turned, heads, job.FirstPosition);
        for (int index = first; index < end; index++)
        {
            float* share = Share(step, index, head);
            PageQueries queriesOfPage = Queries(job, head, 0, firstPage + index, last: index + 1 == end);
            queriesOfPage.Values = ValuesOf(job, head, firstPage + index, (ushort*)(scratch + own));
            queriesOfPage.Tokens = 1;
            queriesOfPage.Queries = turned;
            queriesOfPage.Weighted = share;
            queriesOfPage.Maxima = share + heads * size;
            queriesOfPage.Sums = share + heads * size + heads;
            shared += _ops.AttendPage(queriesOfPage, scratch + own + TurnedValues);
        }

        return shared;
    }

    // What does not depend on where queries and their shares lie; the token is the first that sees the page.
    private static PageQueries Queries(in AttentionJob job, int head, int token, int page, bool last) => new()
    {
        Keys = job.StoredKeys(page, head),
        Next = last ? null : job.StoredKeys(page + 1, head),
        KeySize = job.Shape.HeadDimension,
        ValueSize = job.Shape.ValueDimension,
        Scale = job.Shape.Scale,
        SoftCap = job.Shape.SoftCap,
        Slopes = job.Slopes == null ? null : job.Slopes + head * job.GroupHeads,
        Heads = job.GroupHeads,
        Seen = job.FirstPosition + token - page * KernelSet.PagePositions + 1,
        Hidden = job.HiddenBefore(token, page),
    };

    // Bytes for a page's values where they are stored as keys are.
    private long TurnedValues => _shape.ValuesInKeys ? (long)_shape.ValueDimension * KernelSet.PagePositions * sizeof(ushort) : 0;

    // A page's values [64][ValueDimension]: as they are stored, or turned from the last of the keys [HeadDimension][64]. All heads that share them read them several times.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static ushort* ValuesOf(in AttentionJob job, int head, int page, ushort* turned)
    {
        const int Positions = KernelSet.PagePositions, Square = 8;
        if (!job.Shape.ValuesInKeys)
            return job.StoredValues(page, head);
        int size = job.Shape.ValueDimension;
        ushort* keys = job.StoredKeys(page, head) + (long)(job.Shape.HeadDimension - size) * Positions;
        for (int d = 0; d < size; d += Square)
        {
            for (int position = 0; position < Positions; position++)
            {
                ushort* from = keys + d * Positions + position, to = turned + position * size + d;
                for (int i = 0; i < Square; i++)
                    to[i] = from[i * Positions];
            }
        }

        return turned;
    }

    private static float? Sink(in AttentionJob job, int head, int query) => job.Shape.Sinks?[head * job.GroupHeads + query];

    private void FoldPages(in AttentionJob job, int step, int head, int pageCount)
    {
        int size = job.Shape.ValueDimension, heads = job.GroupHeads;
        for (int query = 0; query < heads; query++)
        {
            float* output = job.OutputOf(0, head) + query * size;
            float maximum = 0, sum = 0;
            for (int index = 0; index < pageCount; index++)
            {
                float* share = Share(step, index, head);
                float* maxima = share + heads * size;
                _ops.Fold(index == 0, maxima[query], maxima[heads + query], share + query * size, ref maximum, ref sum, output, size);
            }

            _ops.Finish(Sink(job, head, query), maximum, sum, output, size);
        }
    }

    // Weighted values [GroupHeads][ValueDimension] of a page and key-value head, then maxima and sums [GroupHeads] each.
    private float* Share(int step, int index, int head) =>
        (float*)_partials.Pointer + ((long)(_firstPages[step] + index) * _shape.KeyValueHeads + head) * (_shape.Heads / _shape.KeyValueHeads) * (_shape.ValueDimension + 2);
}
