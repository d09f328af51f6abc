namespace Swarm.Protocol.Transport;

/// <summary>How much may be sent by now: fills at the rate up to the burst. A plain function of what was taken and when.</summary>
/// <param name="bytesPerSecond">Above 0.</param>
/// <param name="burstBytes">Above 0; what it holds at the start and at most.</param>
internal sealed class TokenBucket(long bytesPerSecond, long burstBytes)
{
    private double _balance = burstBytes;
    private TimeSpan _at;

    /// <summary>Takes the bytes if they are there at <paramref name="now"/>.</summary>
    /// <param name="bytes">At most the burst.</param>
    /// <param name="now">Since the beginning; an earlier time than the last counts as the last.</param>
    public bool TryTake(int bytes, TimeSpan now)
    {
        Fill(now);
        if (_balance < bytes)
            return false;
        _balance -= bytes;
        return true;
    }

    /// <summary>How long after <paramref name="now"/> the bytes are there, in whole milliseconds, since timers know no less.</summary>
    public TimeSpan Until(int bytes, TimeSpan now)
    {
        Fill(now);
        return TimeSpan.FromMilliseconds(Math.Ceiling(Math.Max(0, bytes - _balance) * 1000 / bytesPerSecond));
    }

    private void Fill(TimeSpan now)
    {
        if (now <= _at)
            return;
        _balance = Math.Min(burstBytes, _balance + ((now - _at).TotalSeconds * bytesPerSecond));
        _at = now;
    }
}
