using System.Runtime.InteropServices;
using Swarm.Kernels;

namespace Swarm.Models.Blocks;

/// <summary>
/// The memory for keys and values of all sessions of a span, within a budget. Pages are native memory, allocated when first needed; a page that a session gives back
/// is kept for the next. Safe to use from several threads.
/// </summary>
public sealed unsafe class KvPool : IDisposable
{
    private const int Alignment = 64;
    private readonly Lock _lock = new();
    private readonly Stack<nint> _free = new();
    private int _pagesLeased;
    private bool _disposed;

    /// <param name="budgetBytes">Most bytes of pages; rounded down to whole pages.</param>
    /// <param name="layout">Shape of a page.</param>
    public KvPool(long budgetBytes, KvLayout layout)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(budgetBytes);
        Layout = layout;
        PagesTotal = (int)Math.Min(int.MaxValue, budgetBytes / Math.Max(1, layout.PageBytes));
    }

    /// <summary>Shape of a page.</summary>
    public KvLayout Layout { get; }

    /// <summary>Pages that the budget allows.</summary>
    public int PagesTotal { get; }

    /// <summary>Bytes that the budget allows, in whole pages.</summary>
    public long BudgetBytes => PagesTotal * Layout.PageBytes;

    /// <summary>Bytes that sessions hold.</summary>
    public long UsedBytes => PagesLeased * Layout.PageBytes;

    /// <summary>Bytes that sessions may still take.</summary>
    public long FreeBytes => BudgetBytes - UsedBytes;

    /// <summary>Positions that new pages can still hold.</summary>
    public long FreeTokens => (long)(PagesTotal - PagesLeased) * KernelSet.PagePositions;

    /// <summary>Bytes of native memory held, by sessions or for the next.</summary>
    public long ResidentBytes
    {
        get
        {
            lock (_lock)
                return (_pagesLeased + _free.Count) * Layout.PageBytes;
        }
    }

    private int PagesLeased
    {
        get
        {
            lock (_lock)
                return _pagesLeased;
        }
    }

    /// <summary>An empty cache for a session; it takes pages as it grows and gives them back when it is disposed.</summary>
    public KvCache CreateCache() => new(this);

    /// <summary>Takes so many pages or none.</summary>
    internal bool TryTake(Span<nint> pages)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (pages.Length > PagesTotal - _pagesLeased)
                return false;
            for (int i = 0; i < pages.Length; i++)
                pages[i] = _free.TryPop(out nint page) ? page : (nint)NativeMemory.AlignedAlloc((nuint)Layout.PageBytes, Alignment);
            _pagesLeased += pages.Length;
            return true;
        }
    }

    internal void Return(ReadOnlySpan<nint> pages)
    {
        lock (_lock)
        {
            _pagesLeased -= pages.Length;
            foreach (nint page in pages)
            {
                if (_disposed)
                    NativeMemory.AlignedFree((void*)page);
                else
                    _free.Push(page);
            }
        }
    }

    /// <summary>Frees the pages that no session holds; those still held are freed when their sessions give them back.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            while (_free.TryPop(out nint page))
                NativeMemory.AlignedFree((void*)page);
        }
    }
}
