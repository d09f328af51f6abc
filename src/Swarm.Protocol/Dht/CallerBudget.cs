namespace Swarm.Protocol.Dht;

/// <summary>
/// A share of work for each caller: a bucket of tokens that fills steadily (a token bucket). The number of callers remembered is bounded: when it is reached, those with full buckets are
/// forgotten, which changes nothing for them, and newcomers beyond it share one bucket. Time is given with each call. Not thread-safe.
/// </summary>
internal sealed class CallerBudget(int capacity, double perSecond, int maxCallers)
{
    private const int SmallCrowd = 64;

    private readonly Dictionary<PeerId, Bucket> _callers = [];
    private Bucket _rest = new(capacity, TimeSpan.Zero);
    private TimeSpan? _forgottenAt;
    private int _crowd = SmallCrowd;

    /// <summary>Callers remembered.</summary>
    public int Count => _callers.Count;

    /// <summary>Takes tokens when the caller has as many; false: it must wait.</summary>
    public bool TryTake(PeerId caller, int tokens, TimeSpan now)
    {
        bool known = _callers.TryGetValue(caller, out Bucket bucket);
        if (!known && _callers.Count >= Math.Min(_crowd, maxCallers))
            Forget(now);
        bool shared = !known && _callers.Count >= maxCallers;
        bucket = known ? Fill(bucket, now) : shared ? Fill(_rest, now) : new Bucket(capacity, now);
        bool enough = bucket.Tokens >= tokens;
        if (enough)
            bucket = bucket with { Tokens = bucket.Tokens - tokens };
        if (shared)
            _rest = bucket;
        else
            _callers[caller] = bucket;
        return enough;
    }

    private Bucket Fill(Bucket bucket, TimeSpan now) => new(Math.Min(capacity, bucket.Tokens + Math.Max(0, (now - bucket.At).TotalSeconds) * perSecond), now);

    private void Forget(TimeSpan now)
    {
        // Only when there are twice as many as stayed the last time, and in a full table once a second: a crowd of newcomers does not make every call walk the table.
        if (_callers.Count >= maxCallers && _forgottenAt is { } last && now - last < TimeSpan.FromSeconds(1))
            return;
        _forgottenAt = now;
        foreach (PeerId caller in _callers.Where(pair => Fill(pair.Value, now).Tokens >= capacity).Select(pair => pair.Key).ToList())
            _callers.Remove(caller);
        _crowd = Math.Max(SmallCrowd, 2 * _callers.Count);
    }

    private readonly record struct Bucket(double Tokens, TimeSpan At);
}
