using Swarm.Kernels;

namespace Swarm.Models.Blocks;

/// <summary>
/// One session's keys and values for the blocks of a span: pages of 64 positions, each covering all blocks. Pages that are full can be shared with other caches of the pool; one that
/// is to be written again is replaced by a copy first. Owned by the session; one thread at a time.
/// </summary>
public sealed class KvCache : IDisposable
{
    private readonly KvPool _pool;
    private nint[] _pages = [];

    // Beside the pages: those that are shared; null at the cache's own.
    private SharedPage?[] _shared = [];
    private int _pageCount;
    private bool _disposed;

    internal KvCache(KvPool pool)
    {
        _pool = pool;
    }

    /// <summary>Shape of its pages.</summary>
    public KvLayout Layout => _pool.Layout;

    /// <summary>Positions stored: 0 … Length − 1.</summary>
    public int Length { get; internal set; }

    /// <summary>Positions that its pages can hold.</summary>
    public int ReservedPositions => _pageCount * KernelSet.PagePositions;

    /// <summary>Pages that are shared, or can be found by others' caches.</summary>
    public int SharedPages { get; private set; }

    /// <summary>Bytes of its pages.</summary>
    public long Bytes => _pageCount * Layout.PageBytes;

    /// <summary>Addresses of its pages, in order.</summary>
    internal ReadOnlySpan<nint> Pages => _pages.AsSpan(0, _pageCount);

    /// <summary>The same, for the length of a pass.</summary>
    internal ReadOnlyMemory<nint> PageMemory => _pages.AsMemory(0, _pageCount);

    /// <summary>Makes room for so many positions in all.</summary>
    /// <returns>False, and nothing taken, where the pool has too few pages.</returns>
    public bool TryReserve(int positions)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(positions);
        int needed = KvLayout.PagesFor(positions);
        if (needed <= _pageCount)
            return true;
        if (needed > _pages.Length)
            Array.Resize(ref _pages, Math.Max(needed, 2 * _pages.Length));
        if (!_pool.TryTake(_pages.AsSpan(_pageCount, needed - _pageCount)))
            return false;
        _pageCount = needed;
        return true;
    }

    /// <summary>Makes room for positions that are about to be written. Pages in the way that are shared are let go, and the one that keeps earlier positions is copied.</summary>
    /// <returns>False where the pool has too few pages.</returns>
    public bool TryWrite(int position, int count)
    {
        int first = position / KernelSet.PagePositions;
        if (SharedPages > 0 && HasSharedFrom(first))
        {
            Span<nint> copy = stackalloc nint[1];
            bool keeps = position % KernelSet.PagePositions > 0 && _shared[first] is not null;
            if (keeps && !_pool.TryTake(copy))
                return false;
            if (keeps)
                _pool.Copy(_pages[first], copy[0]);
            int length = Math.Min(Length, position);
            GiveBack(keeps ? first : KvLayout.PagesFor(position));
            if (keeps)
                _pages[_pageCount++] = copy[0];
            Length = length;
        }

        return TryReserve(position + count);
    }

    /// <summary>Begins an empty cache with the pages that the pool knows by these keys, as far as it knows them all. Returns the positions that it has then.</summary>
    public int Adopt(ReadOnlySpan<UInt128> keys)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_pageCount > 0)
            throw new InvalidOperationException($"a cache of {_pageCount} pages, expected an empty one");
        List<SharedPage> found = _pool.Find(keys);
        _pages = [.. found.Select(page => page.Address)];
        _shared = [.. found];
        _pageCount = SharedPages = found.Count;
        Length = _pageCount * KernelSet.PagePositions;
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

        _pool.Copy(part.Address, _pages[_pageCount - 1]);
        Length += part.Positions;
        return part;
    }

    /// <summary>Lets other caches find a page, or no more than its beginning. False where it is shared already, or the pool has another under the last name.</summary>
    /// <param name="page">Index.</param>
    /// <param name="names">Of beginnings that are stored, ascending; one of all 64 positions lets others read the page itself, which is copied before it is written again.</param>
    /// <param name="companion">What belongs to it; the pool's from then on, if this succeeds.</param>
    public bool TryShare(int page, ReadOnlySpan<PageName> names, IPageCompanion? companion)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(page);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((page * KernelSet.PagePositions) + names[^1].Positions, Length);
        if (_shared.Length < _pages.Length)
            Array.Resize(ref _shared, _pages.Length);
        if (_shared[page] is not null || _pool.TryPublish(_pages[page], names, companion) is not { } shared)
            return false;
        _shared[page] = shared;
        SharedPages++;
        return true;
    }

    /// <summary>Whether <see cref="TryShare"/> would find a page under the key.</summary>
    public bool IsKnown(UInt128 key) => _pool.Knows(key);

    /// <summary>What belongs to a shared page; null where nothing does. The pool's.</summary>
    public IPageCompanion? CompanionOf(int page) => _shared[page]?.Companion;

    /// <summary>Forgets positions from <paramref name="length"/> on and gives back the pages that held only them.</summary>
    public void Truncate(int length)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Length = Math.Min(Length, length);
        GiveBack(Math.Min(_pageCount, KvLayout.PagesFor(length)));
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

    private bool HasSharedFrom(int first)
    {
        for (int page = first; page < Math.Min(_pageCount, _shared.Length); page++)
        {
            if (_shared[page] is not null)
                return true;
        }

        return false;
    }

    // All pages from one on; shared ones from the last to the first, so that the pool drops those first that are of no use without the others.
    private void GiveBack(int kept)
    {
        int own = kept;
        for (int page = kept; page < _pageCount; page++)
        {
            if (page >= _shared.Length || _shared[page] is null)
                _pages[own++] = _pages[page];
        }

        for (int page = Math.Min(_pageCount, _shared.Length) - 1; page >= kept && SharedPages > 0; page--)
        {
            if (_shared[page] is not { } shared)
                continue;
            _shared[page] = null;
            SharedPages--;
            _pool.Return(shared);
        }

        _pool.Return(_pages.AsSpan(kept, own - kept));
        _pageCount = kept;
    }
}
