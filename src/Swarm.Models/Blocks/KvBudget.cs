namespace Swarm.Models.Blocks;

/// <summary>
/// A bound on the bytes of keys and values, over pools of different layouts: those of the spans that a node serves while it moves from one to the next. Safe to use from
/// several threads.
/// </summary>
public sealed class KvBudget
{
    // Published pages that no session holds take at most one part in so many.
    private const int IdleShare = 4;

    private readonly List<KvPool> _pools = [];
    private long _bytes;

    /// <param name="bytes">Most bytes of pages over all pools.</param>
    public KvBudget(long bytes)
    {
        Bytes = bytes;
    }

    /// <summary>Most bytes of pages over all pools. Lowered below what is in use, nothing new is given until enough has come back.</summary>
    public long Bytes
    {
        get
        {
            lock (Gate)
                return _bytes;
        }

        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            lock (Gate)
            {
                _bytes = value;
                TrimTo(value);
                TrimIdle();
            }
        }
    }

    /// <summary>Bytes that sessions hold.</summary>
    public long UsedBytes
    {
        get
        {
            lock (Gate)
                return Leased();
        }
    }

    /// <summary>Bytes of published pages that no session holds, with what belongs to them; at most a quarter of <see cref="Bytes"/>.</summary>
    public long IdleBytes
    {
        get
        {
            lock (Gate)
                return Idle();
        }
    }

    /// <summary>Bytes of native memory held, by sessions or for the next, with what belongs to published pages.</summary>
    public long ResidentBytes
    {
        get
        {
            lock (Gate)
                return Held();
        }
    }

    /// <summary>Guards this budget and its pools.</summary>
    internal Lock Gate { get; } = new();

    // The rest is for the pools, under the gate.

    internal void Add(KvPool pool) => _pools.Add(pool);

    internal void Remove(KvPool pool) => _pools.Remove(pool);

    /// <summary>Whether sessions may take so many bytes more.</summary>
    internal bool Allows(long bytes) => bytes <= _bytes - Leased();

    /// <summary>Frees pages that pools keep for later, published ones last, until so many bytes more can be allocated.</summary>
    internal void MakeRoom(long bytes) => TrimTo(_bytes - bytes);

    /// <summary>Frees published pages that no session holds and that are beyond their share.</summary>
    internal void TrimIdle()
    {
        long excess = Idle() - (_bytes / IdleShare);
        foreach (KvPool pool in _pools)
        {
            if (excess <= 0)
                return;
            excess -= pool.TrimIdle(excess);
        }
    }

    private void TrimTo(long resident)
    {
        long excess = Held() - resident;
        foreach (KvPool pool in _pools)
        {
            if (excess <= 0)
                return;
            excess -= pool.Trim(excess);
        }
    }

    private long Leased()
    {
        long bytes = 0;
        foreach (KvPool pool in _pools)
            bytes += pool.LeasedBytes;
        return bytes;
    }

    private long Idle()
    {
        long bytes = 0;
        foreach (KvPool pool in _pools)
            bytes += pool.UnusedBytes;
        return bytes;
    }

    private long Held()
    {
        long bytes = 0;
        foreach (KvPool pool in _pools)
            bytes += pool.HeldBytes;
        return bytes;
    }
}
