using System.Runtime.InteropServices;
using Swarm.Kernels;

namespace Swarm.Models.Blocks;

/// <summary>
/// The memory for keys and values of all sessions of a span, within a budget that several pools may share. Pages are native memory, allocated when first needed; a page that a
/// session gives back is kept for the next, as long as no other pool needs its room. Each group of the layout has pages of its own. Safe to use from several threads.
/// <para>
/// A full page can be published under a key; caches that begin with the same keys share it. It counts once. Its beginnings, and those of a page that will not be filled, can be published
/// as well, to be copied. When no cache has a published page any more it stays to be found again, until its room is needed: the page that was left longest ago goes first, and such pages never stand in the way of a cache that grows.
/// </para>
/// </summary>
public sealed unsafe class KvPool : IDisposable
{
    private const int Alignment = 64;

    // What a published page counts for where it has no bytes: it stands for what belongs to it in a span whose blocks all have windows.
    private const long LeastBytes = 256;

    // The address of a page without bytes.
    private const nint Nowhere = Alignment;

    private readonly KvBudget _budget;
    private readonly Stack<nint>[] _free;
    private readonly Dictionary<UInt128, (SharedPage Page, int Positions)>[] _published;

    // Published pages that no cache has, the one left longest ago first.
    private readonly LinkedList<SharedPage> _idle = [];
    private int _pagesLeased;
    private long _leasedBytes;
    private long _freeBytes;
    private long _idleBytes;
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
        _free = [.. layout.Groups.Select(_ => new Stack<nint>())];
        _published = [.. layout.Groups.Select(_ => new Dictionary<UInt128, (SharedPage, int)>())];
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

    /// <summary>Positions that new pages can still hold (<see cref="KvLayout.PositionsIn"/>).</summary>
    public long FreeTokens
    {
        get
        {
            lock (_budget.Gate)
                return Layout.PositionsIn(_budget.Bytes - _budget.UsedBytes);
        }
    }

    /// <summary>Pages allocated so far; those that are used again count once.</summary>
    public long PagesMade { get; private set; }

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
    internal long LeasedBytes => _leasedBytes;

    /// <summary>As <see cref="ResidentBytes"/>, under the budget's gate.</summary>
    internal long HeldBytes => _leasedBytes + _freeBytes + _idleBytes + _companionBytes;

    /// <summary>As <see cref="IdleBytes"/>, under the budget's gate.</summary>
    internal long UnusedBytes => _idleBytes + _idleCompanionBytes;

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

    /// <summary>Takes the pages that a cache lacks for so many of the sequence, or none.</summary>
    internal bool TryTake(ReadOnlySpan<PageTable> tables, int pages)
    {
        lock (_budget.Gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            long bytes = 0, kept = 0;
            for (int group = 0; group < tables.Length; group++)
            {
                int missing = tables[group].Missing(pages);
                bytes += missing * BytesOf(group);
                kept += Math.Min(missing, _free[group].Count) * BytesOf(group);
            }

            if (!_budget.Allows(bytes))
                return false;
            for (int group = 0; group < tables.Length; group++)
            {
                tables[group].Ensure(pages);
                int last = Math.Min(pages, tables[group].Group.MostPages);
                for (int slot = tables[group].NextMissing(0); slot < last && _free[group].Count > 0; slot = tables[group].NextMissing(slot))
                    tables[group].Put(slot, Take(group), null);
            }

            if (bytes > kept)
                _budget.MakeRoom(bytes - kept);
            for (int group = 0; group < tables.Length; group++)
            {
                int last = Math.Min(pages, tables[group].Group.MostPages);
                for (int slot = tables[group].NextMissing(0); slot < last; slot = tables[group].NextMissing(slot))
                    tables[group].Put(slot, Take(group), null);
            }

            return true;
        }
    }

    /// <summary>Puts a copy that the cache alone has in the place of a page that it shares. False where there is no room.</summary>
    internal bool TryReplace(PageTable table, int group, int page)
    {
        lock (_budget.Gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            SharedPage shared = table.SharedAt(page)!;
            // One that no other has is free for the copy's bytes as soon as it is made.
            if (shared.Holders > 1 && !_budget.Allows(BytesOf(group)))
                return false;
            if (_free[group].Count == 0)
                _budget.MakeRoom(BytesOf(group));
            nint copy = Take(group);
            Copy(group, shared.Address, copy);
            table.Put(table.Group.SlotOf(page), copy, null);
            Return(shared);
            _budget.MakeRoom(0);
            return true;
        }
    }

    /// <summary>Copies a page's bytes into another.</summary>
    internal void Copy(int group, nint from, nint to) => Buffer.MemoryCopy((void*)from, (void*)to, BytesOf(group), BytesOf(group));

    internal void Return(int group, nint page)
    {
        lock (_budget.Gate)
        {
            _pagesLeased--;
            _leasedBytes -= BytesOf(group);
            if (_disposed)
            {
                Free(group, page);
            }
            else
            {
                _free[group].Push(page);
                _freeBytes += BytesOf(group);
            }

            if (_disposed && _pagesLeased == 0)
                _budget.Remove(this);
        }
    }

    /// <summary>Whether a page, or its beginning, is published under a key, by all groups.</summary>
    internal bool Knows(UInt128 key)
    {
        lock (_budget.Gate)
            return _published.All(pages => pages.ContainsKey(key));
    }

    /// <summary>Publishes a page that one cache has and writes no more, and its beginnings; null, and nothing done, where the key of the longest is taken.</summary>
    internal SharedPage? TryPublish(int group, nint address, ReadOnlySpan<PageName> names, IPageCompanion? companion)
    {
        lock (_budget.Gate)
        {
            if (_disposed || _published[group].ContainsKey(names[^1].Key))
                return null;
            var page = new SharedPage(group, address, companion);
            foreach (PageName name in names)
            {
                if (_published[group].TryAdd(name.Key, (page, name.Positions)))
                    page.Keys.Add(name.Key);
            }

            _companionBytes += BesideOf(page);
            _budget.MakeRoom(0);
            return page;
        }
    }

    /// <summary>
    /// Puts full pages that are published under the keys into an empty cache: as many as are there one after the other, where of each window the last ones that it touches are there too, and
    /// as there is room for. Returns how many of the sequence; the cache has them with the others who do.
    /// </summary>
    internal int Find(ReadOnlySpan<UInt128> keys, ReadOnlySpan<PageTable> tables)
    {
        lock (_budget.Gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            int count = 0;
            long bytes = 0;
            while (count < keys.Length && FullPage(0, keys[count]) is { } page && _budget.Allows(bytes += page.Holders == 0 ? BytesOf(0) : 0))
                count++;
            while (count > 0 && !HasWindows(keys[..count]))
                count--;
            for (int group = 0; group < tables.Length; group++)
            {
                tables[group].Ensure(count);
                for (int page = Layout.Groups[group].FirstPage(count * KernelSet.PagePositions); page < count; page++)
                {
                    SharedPage found = FullPage(group, keys[page])!;
                    Use(found);
                    tables[group].Put(tables[group].Group.SlotOf(page), found.Address, found);
                }
            }

            return count;
        }
    }

    /// <summary>The page whose beginning is published under the first of the keys that is; null where none is. The caller has it with the others who do.</summary>
    internal PagePart? FindPart(ReadOnlySpan<UInt128> keys)
    {
        lock (_budget.Gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            foreach (UInt128 key in keys)
            {
                if (!Knows(key))
                    continue;
                SharedPage[] pages = [.. _published.Select(published => published[key].Page)];
                if (!_budget.Allows(pages.Sum(page => page.Holders == 0 ? BytesOf(page.Group) : 0)))
                    continue;
                foreach (SharedPage page in pages)
                    Use(page);
                return new PagePart(this, pages, _published[0][key].Positions);
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
            _leasedBytes -= BytesOf(page.Group);
            if (_disposed)
            {
                Free(page);
                if (_pagesLeased == 0)
                    _budget.Remove(this);
                return;
            }

            page.Idle = _idle.AddLast(page);
            _idleBytes += BytesOf(page.Group);
            _idleCompanionBytes += BesideOf(page);
            _budget.TrimIdle();
        }
    }

    /// <summary>
    /// Under the budget's gate: frees pages kept for later, then published ones that no cache has, at least so many bytes where there are so many. Returns the bytes freed.
    /// </summary>
    internal long Trim(long bytes)
    {
        long freed = 0;
        for (int group = 0; group < _free.Length; group++)
        {
            while (freed < bytes && _free[group].TryPop(out nint page))
            {
                Free(group, page);
                freed += BytesOf(group);
                _freeBytes -= BytesOf(group);
            }
        }

        return freed >= bytes ? freed : freed + TrimIdle(bytes - freed);
    }

    /// <summary>Under the budget's gate: the same of published pages that no cache has alone.</summary>
    internal long TrimIdle(long bytes)
    {
        long freed = 0;
        while (freed < bytes && _idle.First is { Value: { } page })
        {
            freed += BytesOf(page.Group) + BesideOf(page);
            LeaveIdle(page);
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

    // Whether the last pages of each window are published too, and there is room for them all.
    private bool HasWindows(ReadOnlySpan<UInt128> keys)
    {
        long bytes = 0;
        foreach (UInt128 key in keys)
            bytes += FullPage(0, key)!.Holders == 0 ? BytesOf(0) : 0;
        for (int group = 1; group < _published.Length; group++)
        {
            for (int page = Layout.Groups[group].FirstPage(keys.Length * KernelSet.PagePositions); page < keys.Length; page++)
            {
                if (FullPage(group, keys[page]) is not { } found)
                    return false;
                bytes += found.Holders == 0 ? BytesOf(group) : 0;
            }
        }

        return _budget.Allows(bytes);
    }

    private SharedPage? FullPage(int group, UInt128 key) =>
        _published[group].TryGetValue(key, out (SharedPage Page, int Positions) known) && known.Positions == KernelSet.PagePositions ? known.Page : null;

    private void Use(SharedPage page)
    {
        if (page.Holders == 0)
        {
            LeaveIdle(page);
            _pagesLeased++;
            _leasedBytes += BytesOf(page.Group);
        }

        page.Holders++;
    }

    private void LeaveIdle(SharedPage page)
    {
        _idle.Remove(page.Idle!);
        page.Idle = null;
        _idleBytes -= BytesOf(page.Group);
        _idleCompanionBytes -= BesideOf(page);
    }

    private void Free(SharedPage page)
    {
        foreach (UInt128 key in page.Keys)
            _published[page.Group].Remove(key);
        _companionBytes -= BesideOf(page);
        page.Companion?.Dispose();
        Free(page.Group, page.Address);
    }

    // A page for a cache: one that came back, or a new one.
    private nint Take(int group)
    {
        _pagesLeased++;
        _leasedBytes += BytesOf(group);
        if (_free[group].TryPop(out nint page))
        {
            _freeBytes -= BytesOf(group);
            return page;
        }

        if (BytesOf(group) == 0)
            return Nowhere;
        PagesMade++;
        return (nint)NativeMemory.AlignedAlloc((nuint)BytesOf(group), Alignment);
    }

    private void Free(int group, nint page)
    {
        if (BytesOf(group) > 0)
            NativeMemory.AlignedFree((void*)page);
    }

    private long BytesOf(int group) => Layout.Groups[group].PageBytes;

    // What a published page takes beside its keys and values.
    private long BesideOf(SharedPage page) => (page.Companion?.Bytes ?? 0) + (BytesOf(page.Group) == 0 ? LeastBytes : 0);

    private int WholePages(long bytes) => (int)Math.Min(int.MaxValue, bytes / Math.Max(1, Layout.PageBytes));
}
