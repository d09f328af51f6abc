namespace Swarm.Protocol.Dht;

/// <summary>
/// A share of work for each caller: a bucket of tokens that fills steadily (a token bucket). The number of callers remembered is bounded: when it is reached, those with full buckets are
/// forgotten, which changes nothing for them, and newcomers beyond it share one bucket. Time is given with each call. Not thread-safe.
/// </summary>
internal sealed class CallerBudget(int capacity, double perSecond, int maxCallers)
{
    private readonly Dictionary<PeerId, Bucket> _callers = [];
    private Bucket _rest = new(capacity, TimeSpan.Zero);
    private TimeSpan _forgottenAt = TimeSpan.MinValue;

    /// <summary>Callers remembered.</summary>
    public int Count => _callers.Count;

    /// <summary>Takes tokens when the caller has as many; false: it must wait.</summary>
    public bool TryTake(PeerId caller, int tokens, TimeSpan now)
    {
        bool known = _callers.TryGetValue(caller, out Bucket bucket);
        if (!known && _callers.Count >= maxCallers)
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
        // At most once a second, so that a crowd of newcomers does not make every call walk the table.
        if (_forgottenAt != TimeSpan.MinValue && now - _forgottenAt < TimeSpan.FromSeconds(1))
            return;
        _forgottenAt = now;
        foreach (PeerId caller in _callers.Where(pair => Fill(pair.Value, now).Tokens >= capacity).Select(pair => pair.Key).ToList())
            _callers.Remove(caller);
    }

    private readonly record struct Bucket(double Tokens, TimeSpan At);
}
