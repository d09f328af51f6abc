using Swarm.Protocol.Transport;

namespace Swarm.Protocol.Weights;

/// <summary>
/// How fast bytes may be handed out: as fast as the connections take them while the node rests, and at <see cref="WeightsLimits.BytesPerSecondWhileComputing"/>, all transfers together,
/// while it computes for sessions. A plain function of what it is told and when. Not thread-safe.
/// </summary>
internal sealed class TransferPacing
{
    private readonly TokenBucket _bucket = new(WeightsLimits.BytesPerSecondWhileComputing, WeightsLimits.MaxPartBytes);
    private long _steps;
    private TimeSpan? _stepAt;

    /// <summary>Zero: the bytes may leave now, and count as sent; otherwise when to ask again.</summary>
    /// <param name="bytes">Of one part.</param>
    /// <param name="steps">Steps that the node has computed so far.</param>
    /// <param name="now">Since the beginning.</param>
    public TimeSpan Take(int bytes, long steps, TimeSpan now)
    {
        if (steps != _steps)
        {
            _steps = steps;
            _stepAt = now;
        }

        bool computing = _stepAt is { } last && now - last < WeightsLimits.ComputingTime;
        return !computing || _bucket.TryTake(bytes, now) ? TimeSpan.Zero : _bucket.Until(bytes, now);
    }
}
