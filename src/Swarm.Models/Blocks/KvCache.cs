using Swarm.Kernels;

namespace Swarm.Models.Blocks;

/// <summary>
/// One session's keys and values for the blocks of a span: pages of 64 positions, for each group of blocks its own. Blocks with a window have no more pages than the window touches: the
/// one that no query sees any more is written again. Pages that are full can be shared with other caches of the pool; one that is to be written again is replaced by a copy first. Owned
/// by the session; one thread at a time.
/// </summary>
public sealed class KvCache : IDisposable
{
    private readonly KvPool _pool;
    private readonly PageTable[] _tables;

    // Of each block of a window: the first page of the sequence that is not written over.
    private readonly int[] _floors;
    private int _pageCount;
    private bool _disposed;

    internal KvCache(KvPool pool)
    {
        _pool = pool;
        _tables = [.. pool.Layout.Groups.Select(group => new PageTable(group))];
        _floors = new int[pool.Layout.Span.Count];
    }

    /// <summary>Shape of its pages.</summary>
    public KvLayout Layout => _pool.Layout;

    /// <summary>Positions stored: 0 … Length − 1, of blocks with a window the last ones of them.</summary>
    public int Length { get; internal set; }

    /// <summary>Positions that its pages can hold.</summary>
    public int ReservedPositions => _pageCount * KernelSet.PagePositions;

    /// <summary>Pages that are shared, or can be found by others' caches.</summary>
    public int SharedPages => _tables[0].Shared;

    /// <summary>Bytes of its pages.</summary>
    public long Bytes => _tables.Sum(table => table.Held * table.Group.PageBytes);

    /// <summary>Addresses of the pages of blocks that see all positions, in order.</summary>
    internal ReadOnlySpan<nint> Pages => PagesOf(0).Span;

    /// <summary>Addresses of a group's pages by page of the sequence, for the length of a pass.</summary>
    internal ReadOnlyMemory<nint> PagesOf(int group) => _tables[group].Sequence(_pageCount);

    /// <summary>Makes room for so many positions in all.</summary>
    /// <returns>False, and nothing taken, where the pool has too few pages.</returns>
    public bool TryReserve(int positions)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(positions);
        int needed = KvLayout.PagesFor(positions);
        if (needed <= _pageCount)
            return true;
        if (!_pool.TryTake(_tables, needed))
            return false;
        _pageCount = needed;
        return true;
    }

    /// <summary>Makes room for positions that are about to be written. Pages in the way that are shared are let go, and those that keep what is still needed are copied.</summary>
    /// <returns>False where the pool has too few pages.</returns>
    public bool TryWrite(int position, int count)
    {
        int first = position / KernelSet.PagePositions, last = (position + count - 1) / KernelSet.PagePositions;
        PageTable all = _tables[0];
        if (all.HasShared(first, int.MaxValue))
        {
            bool keeps = position % KernelSet.PagePositions > 0;
            Length = Math.Min(Length, position);
            _pageCount = Math.Min(_pageCount, KvLayout.PagesFor(position));
            all.GiveBack(_pool, 0, _pageCount);
            if (keeps && all.SharedAt(first) is not null && !_pool.TryReplace(all, 0, first))
                return false;
        }

        for (int group = 1; group < _tables.Length; group++)
        {
            PageTable table = _tables[group];
            if (!table.HasShared(first, last))
                continue;
            for (int page = first; page <= Math.Min(last, first + table.Group.MostPages - 1); page++)
            {
                if (table.SharedAt(page) is not null && !_pool.TryReplace(table, group, page))
                    return false;
            }
        }

        return TryReserve(position + count);
    }

    /// <summary>From where the cache has to be fed to go on at a position: from there, or, where something that a window needs is written over, from the beginning.</summary>
    public int ResumeAt(int position) => LeastWritable(Layout.Span, position) is null ? position : 0;

    /// <summary>Begins an empty cache with the pages that the pool knows by these keys, as far as it knows all that is needed. Returns the positions that it has then.</summary>
    public int Adopt(ReadOnlySpan<UInt128> keys)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_pageCount > 0)
            throw new InvalidOperationException($"a cache of {_pageCount} pages, expected an empty one");
        _pageCount = _pool.Find(keys, _tables);
        Length = _pageCount * KernelSet.PagePositions;
        for (int block = 0; block < _floors.Length; block++)
            _floors[block] = GroupOf(Layout.Span.Start + block).FirstPage(Length);
        return Length;
    }

    /// <summary>Goes on behind full pages with a copy of the beginning of a page that the pool knows by the first possible of these keys; null where there is none, or no room.</summary>
    public PagePart? AdoptPart(ReadOnlySpan<UInt128> keys)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (Length != _pageCount * KernelSet.PagePositions)
            throw new InvalidOperationException($"a cache of {Length} positions in {_pageCount} pages, expected full pages");
        PagePart? part = _pool.FindPart(keys);
        if (part is null || !TryReserve(Length + part.Positions))
        {
            part?.Dispose();
            return null;
        }

        for (int group = 0; group < _tables.Length; group++)
            _pool.Copy(group, part.AddressOf(group), _tables[group].AddressOf(_pageCount - 1));
        for (int block = 0; block < _floors.Length; block++)
            Wrote(Layout.Span.Start + block, Length, part.Positions);
        Length += part.Positions;
        return part;
    }

    /// <summary>
    /// Lets other caches find a page, or no more than its beginning; of blocks with a window as long as it is there. False where it is shared already, or the pool has another under the
    /// last name.
    /// </summary>
    /// <param name="page">Index.</param>
    /// <param name="names">Of beginnings that are stored, ascending; one of all 64 positions lets others read the page itself, which is copied before it is written again.</param>
    /// <param name="companion">What belongs to it; the pool's from then on, if this succeeds.</param>
    public bool TryShare(int page, ReadOnlySpan<PageName> names, IPageCompanion? companion)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(page);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((page * KernelSet.PagePositions) + names[^1].Positions, Length);
        bool shared = TryShare(0, page, names, companion);
        for (int group = 1; group < _tables.Length; group++)
        {
            if (page >= Floor(group))
                TryShare(group, page, names, null);
        }

        return shared;
    }

    /// <summary>Whether caches can find all of a page under the key.</summary>
    public bool IsKnown(UInt128 key) => _pool.Knows(key);

    /// <summary>What belongs to a shared page; null where nothing does. The pool's.</summary>
    public IPageCompanion? CompanionOf(int page) => _tables[0].SharedAt(page)?.Companion;

    /// <summary>Forgets positions from <paramref name="length"/> on, or all where it could not go on from there, and gives back the pages that held only them. Returns the positions that it has then.</summary>
    public int Truncate(int length)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        int kept = ResumeAt(Math.Min(Length, length));
        GiveBack(kept < Math.Min(Length, length) ? kept : length);
        Length = kept;
        return kept;
    }

    /// <summary>Gives all pages back.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        GiveBack(0);
        Length = 0;
    }

    /// <summary>The least position but 0 at which these blocks can go on, where that is above the one asked for; null where they can go on there.</summary>
    internal int? LeastWritable(BlockSpan blocks, int position)
    {
        int? least = null;
        for (int block = blocks.Start; position > 0 && block < blocks.End; block++)
        {
            KvGroup group = GroupOf(block);
            int floor = _floors[block - Layout.Span.Start];
            if (group.FirstPage(position) < floor)
                least = Math.Max(least ?? 0, (floor * KernelSet.PagePositions) + group.Window - 1);
        }

        return least;
    }

    /// <summary>A block is about to write positions.</summary>
    internal void Wrote(int block, int position, int count)
    {
        KvGroup group = GroupOf(block);
        if (group.Window == 0)
            return;
        ref int floor = ref _floors[block - Layout.Span.Start];
        floor = Math.Max(position == 0 ? 0 : floor, ((position + count - 1) / KernelSet.PagePositions) - group.MostPages + 1);
    }

    private KvGroup GroupOf(int block) => Layout.Groups[Layout.PlaceOf(block).Group];

    private int Floor(int group)
    {
        int floor = 0;
        for (int block = 0; block < _floors.Length; block++)
        {
            if (Layout.PlaceOf(Layout.Span.Start + block).Group == group)
                floor = Math.Max(floor, _floors[block]);
        }

        return floor;
    }

    private bool TryShare(int group, int page, ReadOnlySpan<PageName> names, IPageCompanion? companion)
    {
        PageTable table = _tables[group];
        if (table.SharedAt(page) is not null || _pool.TryPublish(group, table.AddressOf(page), names, companion) is not { } shared)
            return false;
        table.Share(page, shared);
        return true;
    }

    // All pages that hold only positions from one on. Of a window whose pages went around, those that are left are all needed.
    private void GiveBack(int length)
    {
        int kept = KvLayout.PagesFor(length);
        _pageCount = Math.Min(_pageCount, kept);
        for (int group = 0; group < _tables.Length; group++)
        {
            if (kept == 0 || Floor(group) == 0)
                _tables[group].GiveBack(_pool, group, kept);
        }

        if (kept == 0)
            Array.Clear(_floors);
    }
}
