using Swarm.Models.Blocks;
using Swarm.Protocol;

namespace Swarm.Node.Sessions;

/// <summary>
/// Who was promised how many bytes, over all spans that sessions are on. A session is admitted when the keys and values that it expects to need fit beside what the others were
/// promised, so that nobody's growth takes what another was promised; it grows by pages. Clients share by <see cref="ShareRule"/>, in sessions and in bytes. What sessions
/// retain for the next hop is charged as well; it takes nothing of the last part, which stays for newcomers. Rules only; thread-safe.
/// </summary>
internal sealed class SessionLedger(long budgetBytes, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly ShareRule _bytes = new(budgetBytes);
    private readonly ShareRule _sessions = new(ChainLimits.MaxSessions);
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
                return _bytes.Capacity;
        }

        set
        {
            lock (_lock)
                _bytes.Capacity = value;
        }
    }

    /// <summary>Bytes not promised to anybody.</summary>
    public long FreeBytes
    {
        get
        {
            lock (_lock)
                return _bytes.Free;
        }
    }

    /// <summary>Positions of a layout not promised to anybody, in whole pages.</summary>
    public long FreeTokens(KvLayout layout) => layout.PositionsIn(FreeBytes);

    /// <summary>Promises positions, in whole pages; null when they are not there for this client.</summary>
    public SessionLease? TryAdmit(int positions, KvLayout layout, PeerId client = default)
    {
        long bytes = layout.BytesFor(positions);
        TimeSpan now = time.GetElapsedTime(0);
        lock (_lock)
        {
            ShareClaim claim = _sessions.Held(client) == 0 ? ShareClaim.Only : ShareClaim.More;
            if (!_sessions.TryTake(client, 1, 1, claim, now))
                return null;
            if (!_bytes.TryTake(client, bytes, layout.PageBytes, claim, now))
            {
                _sessions.Return(client, 1);
                return null;
            }

            _count++;
            return new SessionLease(this, client) { CacheBytes = bytes };
        }
    }

    /// <summary>A session has outgrown its promise: takes what is free for its client, or says no.</summary>
    public bool TryGrow(SessionLease lease, int positions, KvLayout layout)
    {
        lock (_lock)
        {
            long more = layout.BytesFor(positions) - lease.CacheBytes;
            if (more <= 0)
                return true;
            ShareClaim claim = _sessions.Held(lease.Client) <= 1 ? ShareClaim.Only : ShareClaim.More;
            if (lease.IsReleased || !_bytes.TryTake(lease.Client, more, layout.PageBytes, claim, time.GetElapsedTime(0)))
                return false;
            lease.CacheBytes += more;
            return true;
        }
    }

    /// <summary>Why a client was refused.</summary>
    public string Describe(int positions, KvLayout layout, PeerId client)
    {
        lock (_lock)
        {
            return $"key-value cache: {positions} positions asked for, {layout.PositionsIn(_bytes.Free)} are free; this client holds {_bytes.Held(client)} of {_bytes.Capacity} bytes "
                + $"in {_sessions.Held(client)} sessions, among {_sessions.Clients} clients; to be asked for again in {ShareRule.RetryAfter.TotalSeconds:0.#} s";
        }
    }

    public void Release(SessionLease lease)
    {
        lock (_lock)
        {
            if (lease.IsReleased)
                return;
            lease.IsReleased = true;
            _bytes.Return(lease.Client, lease.CacheBytes + lease.RetainedBytes);
            _sessions.Return(lease.Client, 1);
            (lease.CacheBytes, lease.RetainedBytes) = (0, 0);
            _count--;
        }
    }

    internal bool TryRetain(SessionLease lease, long bytes)
    {
        lock (_lock)
        {
            if (lease.IsReleased || !_bytes.TryTake(lease.Client, bytes, 1, ShareClaim.Spare, time.GetElapsedTime(0)))
                return false;
            lease.RetainedBytes += bytes;
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
            _bytes.Return(lease.Client, bytes);
        }
    }
}
