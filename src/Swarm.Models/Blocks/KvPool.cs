using System.Runtime.InteropServices;
using Swarm.Kernels;

namespace Swarm.Models.Blocks;

/// <summary>
/// The memory for keys and values of all sessions of a span, within a budget that several pools may share. Pages are native memory, allocated when first needed; a page that a
/// session gives back is kept for the next, as long as no other pool needs its room. Safe to use from several threads.
/// <para>
/// A full page can be published under a key; caches that begin with the same keys share it. It counts once. Its beginnings, and those of a page that will not be filled, can be published
/// as well, to be copied. When no cache has a published page any more it stays to be found again, until its room is needed: the page that was left longest ago goes first, and such pages never stand in the way of a cache that grows.
/// </para>
/// </summary>
public sealed unsafe class KvPool : IDisposable
{
    private const int Alignment = 64;
    private readonly KvBudget _budget;
    private readonly Stack<nint> _free = new();
    private readonly Dictionary<UInt128, (SharedPage Page, int Positions)> _published = [];

    // Published pages that no cache has, the one left longest ago first.
    private readonly LinkedList<SharedPage> _idle = [];
    private int _pagesLeased;
    private long _companionBytes;
    private long _idleCompanionBytes;
    private bool _disposed;

    /// <param name="budgetBytes">Most bytes of pages; rounded down to whole pages.</param>
    /// <param name="layout">Shape of a page.</param>
    public KvPool(long budgetBytes, KvLayout layout)
        : this(new KvBudget(budgetBytes), layout)
    {
    }

    /// <param name="budget">What this pool and others may take together.</param>
    /// <param name="layout">Shape of a page.</param>
    public KvPool(KvBudget budget, KvLayout layout)
    {
        _budget = budget;
        Layout = layout;
        lock (_budget.Gate)
            _budget.Add(this);
    }

    /// <summary>Shape of a page.</summary>
    public KvLayout Layout { get; }

    /// <summary>Pages that the budget allows.</summary>
    public int PagesTotal => WholePages(_budget.Bytes);

    /// <summary>Bytes that the budget allows, in whole pages.</summary>
    public long BudgetBytes => PagesTotal * Layout.PageBytes;

    /// <summary>Bytes that this pool's sessions hold.</summary>
    public long UsedBytes
    {
        get
        {
            lock (_budget.Gate)
                return LeasedBytes;
        }
    }

    /// <summary>Bytes that sessions may still take, in whole pages.</summary>
    public long FreeBytes => FreePages * Layout.PageBytes;

    /// <summary>Positions that new pages can still hold.</summary>
    public long FreeTokens => FreePages * KernelSet.PagePositions;

    /// <summary>Bytes of published pages that no session holds, with what belongs to them.</summary>
    public long IdleBytes
    {
        get
        {
            lock (_budget.Gate)
                return UnusedBytes;
        }
    }

    /// <summary>Bytes of native memory held, by sessions or for the next, with what belongs to published pages.</summary>
    public long ResidentBytes
    {
        get
        {
            lock (_budget.Gate)
                return HeldBytes;
        }
    }

    /// <summary>As <see cref="UsedBytes"/>, under the budget's gate.</summary>
    internal long LeasedBytes => _pagesLeased * Layout.PageBytes;

    /// <summary>As <see cref="ResidentBytes"/>, under the budget's gate.</summary>
    internal long HeldBytes => ((_pagesLeased + _free.Count + _idle.Count) * Layout.PageBytes) + _companionBytes;

    /// <summary>As <see cref="IdleBytes"/>, under the budget's gate.</summary>
    internal long UnusedBytes => (_idle.Count * Layout.PageBytes) + _idleCompanionBytes;

    private long FreePages
    {
        get
        {
            lock (_budget.Gate)
                return WholePages(Math.Max(0, _budget.Bytes - _budget.UsedBytes));
        }
    }

    /// <summary>An empty cache for a session; it takes pages as it grows and gives them back when it is disposed.</summary>
    public KvCache CreateCache() => new(this);

    /// <summary>Takes so many pages or none.</summary>
    internal bool TryTake(Span<nint> pages)
    {
        lock (_budget.Gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (!_budget.Allows(pages.Length * Layout.PageBytes))
                return false;
            int kept = Math.Min(pages.Length, _free.Count);
            for (int i = 0; i < kept; i++)
                pages[i] = _free.Pop();
            _pagesLeased += kept;
            int made = pages.Length - kept;
            if (made > 0)
                _budget.MakeRoom(made * Layout.PageBytes);
            for (int i = kept; i < pages.Length; i++)
                pages[i] = (nint)NativeMemory.AlignedAlloc((nuint)Layout.PageBytes, Alignment);
            _pagesLeased += made;
            return true;
        }
    }

    /// <summary>Copies a page's bytes into another.</summary>
    internal void Copy(nint from, nint to) => Buffer.MemoryCopy((void*)from, (void*)to, Layout.PageBytes, Layout.PageBytes);

    internal void Return(ReadOnlySpan<nint> pages)
    {
        lock (_budget.Gate)
        {
            _pagesLeased -= pages.Length;
            foreach (nint page in pages)
            {
                if (_disposed)
                    NativeMemory.AlignedFree((void*)page);
                else
                    _free.Push(page);
            }

            if (_disposed && _pagesLeased == 0)
                _budget.Remove(this);
        }
    }

    /// <summary>Whether a page, or its beginning, is published under a key.</summary>
    internal bool Knows(UInt128 key)
    {
        lock (_budget.Gate)
            return _published.ContainsKey(key);
    }

    /// <summary>Publishes a page that one cache has and writes no more, and its beginnings; null, and nothing done, where the key of the longest is taken.</summary>
    internal SharedPage? TryPublish(nint address, ReadOnlySpan<PageName> names, IPageCompanion? companion)
    {
        lock (_budget.Gate)
        {
            if (_disposed || _published.ContainsKey(names[^1].Key))
                return null;
            var page = new SharedPage(address, companion);
            foreach (PageName name in names)
            {
                if (_published.TryAdd(name.Key, (page, name.Positions)))
                    page.Keys.Add(name.Key);
            }

            _companionBytes += companion?.Bytes ?? 0;
            _budget.MakeRoom(0);
            return page;
        }
    }

    /// <summary>The full pages published under the keys, up to the first that is not there or for which there is no room; the caller has them with the others who do.</summary>
    internal List<SharedPage> Find(ReadOnlySpan<UInt128> keys)
    {
        var found = new List<SharedPage>();
        lock (_budget.Gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            foreach (UInt128 key in keys)
            {
                if (!_published.TryGetValue(key, out (SharedPage Page, int Positions) known) || known.Positions < KernelSet.PagePositions || !TryUse(known.Page))
                    break;
                found.Add(known.Page);
            }
        }

        return found;
    }

    /// <summary>The page whose beginning is published under the first of the keys that is; null where none is. The caller has it with the others who do.</summary>
    internal PagePart? FindPart(ReadOnlySpan<UInt128> keys)
    {
        lock (_budget.Gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            foreach (UInt128 key in keys)
            {
                if (_published.TryGetValue(key, out (SharedPage Page, int Positions) known) && TryUse(known.Page))
                    return new PagePart(this, known.Page, known.Positions);
            }
        }

        return null;
    }

    /// <summary>A cache has a published page no more.</summary>
    internal void Return(SharedPage page)
    {
        lock (_budget.Gate)
        {
            if (--page.Holders > 0)
                return;
            _pagesLeased--;
            if (_disposed)
            {
                Free(page);
                if (_pagesLeased == 0)
                    _budget.Remove(this);
                return;
            }

            page.Idle = _idle.AddLast(page);
            _idleCompanionBytes += page.Companion?.Bytes ?? 0;
            _budget.TrimIdle();
        }
    }

    /// <summary>
    /// Under the budget's gate: frees pages kept for later, then published ones that no cache has, at least so many bytes where there are so many. Returns the bytes freed.
    /// </summary>
    internal long Trim(long bytes)
    {
        long freed = 0;
        while (freed < bytes && _free.TryPop(out nint page))
        {
            NativeMemory.AlignedFree((void*)page);
            freed += Layout.PageBytes;
        }

        return freed >= bytes ? freed : freed + TrimIdle(bytes - freed);
    }

    /// <summary>Under the budget's gate: the same of published pages that no cache has alone.</summary>
    internal long TrimIdle(long bytes)
    {
        long freed = 0;
        while (freed < bytes && _idle.First is { Value: { } page })
        {
            freed += Layout.PageBytes + (page.Companion?.Bytes ?? 0);
            _idle.Remove(page.Idle!);
            _idleCompanionBytes -= page.Companion?.Bytes ?? 0;
            Free(page);
        }

        return freed;
    }

    /// <summary>Frees the pages that no session holds; those still held are freed when their sessions give them back.</summary>
    public void Dispose()
    {
        lock (_budget.Gate)
        {
            if (_disposed)
                return;
            _disposed = true;
            Trim(long.MaxValue);
            if (_pagesLeased == 0)
                _budget.Remove(this);
        }
    }

    private bool TryUse(SharedPage page)
    {
        if (page.Holders == 0)
        {
            if (!_budget.Allows(Layout.PageBytes))
                return false;
            _idle.Remove(page.Idle!);
            page.Idle = null;
            _idleCompanionBytes -= page.Companion?.Bytes ?? 0;
            _pagesLeased++;
        }

        page.Holders++;
        return true;
    }

    private void Free(SharedPage page)
    {
        foreach (UInt128 key in page.Keys)
            _published.Remove(key);
        _companionBytes -= page.Companion?.Bytes ?? 0;
        page.Companion?.Dispose();
        NativeMemory.AlignedFree((void*)page.Address);
    }

    private int WholePages(long bytes) => (int)Math.Min(int.MaxValue, bytes / Math.Max(1, Layout.PageBytes));
}
