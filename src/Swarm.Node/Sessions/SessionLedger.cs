using Swarm.Models.Blocks;

namespace Swarm.Node.Sessions;

/// <summary>
/// Who was promised how many bytes, over all spans that sessions are on. A session is admitted when the keys and values that it expects to need fit beside what the others were
/// promised, so that nobody's growth takes what another was promised. What sessions retain for the next hop is charged as well; it takes nothing of the last part,
/// which stays for newcomers. Rules only; thread-safe.
/// </summary>
internal sealed class SessionLedger(long budgetBytes)
{
    // One part in so many is not for retained rows, which have a file to go to.
    private const int KeptForNewcomers = 8;

    private readonly Lock _lock = new();
    private long _budget = budgetBytes;
    private long _total;
    private int _count;

    /// <summary>Leases not given back.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
                return _count;
        }
    }

    /// <summary>Bytes to promise. Lowered below what is promised, nothing more is promised until enough has come back.</summary>
    public long BudgetBytes
    {
        get
        {
            lock (_lock)
                return _budget;
        }

        set
        {
            lock (_lock)
                _budget = value;
        }
    }

    /// <summary>Bytes not promised to anybody.</summary>
    public long FreeBytes
    {
        get
        {
            lock (_lock)
                return Free;
        }
    }

    private long Free => Math.Max(0, _budget - _total);

    /// <summary>Positions of a layout not promised to anybody, in whole pages.</summary>
    public long FreeTokens(KvLayout layout) => FreeBytes / Math.Max(1, layout.PageBytes) * Kernels.KernelSet.PagePositions;

    /// <summary>Promises positions, in whole pages; null when they are not there.</summary>
    public SessionLease? TryAdmit(int positions, KvLayout layout)
    {
        long bytes = layout.BytesFor(positions);
        lock (_lock)
        {
            if (bytes > Free)
                return null;
            _total += bytes;
            _count++;
            return new SessionLease(this) { CacheBytes = bytes };
        }
    }

    /// <summary>A session has outgrown its promise: takes what is free, or says no.</summary>
    public bool TryGrow(SessionLease lease, int positions, KvLayout layout)
    {
        long more = layout.BytesFor(positions) - lease.CacheBytes;
        lock (_lock)
        {
            if (more <= 0)
                return true;
            if (more > Free)
                return false;
            lease.CacheBytes += more;
            _total += more;
            return true;
        }
    }

    public void Release(SessionLease lease)
    {
        lock (_lock)
        {
            if (lease.IsReleased)
                return;
            lease.IsReleased = true;
            _total -= lease.CacheBytes + lease.RetainedBytes;
            (lease.CacheBytes, lease.RetainedBytes) = (0, 0);
            _count--;
        }
    }

    internal bool TryRetain(SessionLease lease, long bytes)
    {
        lock (_lock)
        {
            if (lease.IsReleased || bytes > Free - (_budget / KeptForNewcomers))
                return false;
            lease.RetainedBytes += bytes;
            _total += bytes;
            return true;
        }
    }

    internal void ReturnRetained(SessionLease lease, long bytes)
    {
        lock (_lock)
        {
            if (lease.IsReleased)
                return;
            lease.RetainedBytes -= bytes;
            _total -= bytes;
        }
    }
}
