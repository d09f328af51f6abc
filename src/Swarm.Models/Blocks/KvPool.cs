using System.Runtime.InteropServices;
using Swarm.Kernels;

namespace Swarm.Models.Blocks;

/// <summary>
/// The memory for keys and values of all sessions of a span, within a budget that several pools may share. Pages are native memory, allocated when first needed; a page that a
/// session gives back is kept for the next, as long as no other pool needs its room. Safe to use from several threads.
/// </summary>
public sealed unsafe class KvPool : IDisposable
{
    private const int Alignment = 64;
    private readonly KvBudget _budget;
    private readonly Stack<nint> _free = new();
    private int _pagesLeased;
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

    /// <summary>Bytes of native memory held, by sessions or for the next.</summary>
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
    internal long HeldBytes => (_pagesLeased + _free.Count) * Layout.PageBytes;

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

    /// <summary>Under the budget's gate: frees pages kept for later, at least so many bytes where there are so many. Returns the bytes freed.</summary>
    internal long Trim(long bytes)
    {
        long freed = 0;
        while (freed < bytes && _free.TryPop(out nint page))
        {
            NativeMemory.AlignedFree((void*)page);
            freed += Layout.PageBytes;
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

    private int WholePages(long bytes) => (int)Math.Min(int.MaxValue, bytes / Math.Max(1, Layout.PageBytes));
}
