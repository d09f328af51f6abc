using Swarm.Kernels;

namespace Swarm.Models.Blocks;

/// <summary>
/// One session's keys and values for the blocks of a span: pages of 64 positions, each covering all blocks. Owned by the session; one thread at a time.
/// </summary>
public sealed class KvCache : IDisposable
{
    private readonly KvPool _pool;
    private nint[] _pages = [];
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

    /// <summary>Bytes of its pages.</summary>
    public long Bytes => _pageCount * Layout.PageBytes;

    /// <summary>Addresses of its pages, in order.</summary>
    internal ReadOnlySpan<nint> Pages => _pages.AsSpan(0, _pageCount);

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

    /// <summary>Forgets positions from <paramref name="length"/> on and gives back the pages that held only them.</summary>
    public void Truncate(int length)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Length = Math.Min(Length, length);
        int kept = Math.Min(_pageCount, KvLayout.PagesFor(length));
        _pool.Return(_pages.AsSpan(kept, _pageCount - kept));
        _pageCount = kept;
    }

    /// <summary>Gives all pages back.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        _pool.Return(_pages.AsSpan(0, _pageCount));
        _pageCount = 0;
        Length = 0;
    }
}
