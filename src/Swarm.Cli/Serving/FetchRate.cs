using Swarm.Cli.Framework;
using Swarm.Node;

namespace Swarm.Cli.Serving;

/// <summary>How far fetching is, and how fast it goes; says seldom enough to be read.</summary>
internal sealed class FetchRate(TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private long _start;
    private long _told;
    private long _before = long.MaxValue;

    /// <summary>Whether this is one to be told: the last of a fetch, or one a second after another.</summary>
    /// <param name="bytesPerSecond">Since the fetch began.</param>
    public bool IsDue(NodeFetching fetching, out double bytesPerSecond)
    {
        lock (_lock)
        {
            long now = time.GetTimestamp();
            if (fetching.Bytes < _before)
                (_start, _told) = (now, now);
            _before = fetching.Bytes;
            double seconds = time.GetElapsedTime(_start, now).TotalSeconds;
            bytesPerSecond = seconds > 0 ? fetching.Bytes / seconds : 0;
            if (fetching.Bytes < fetching.TotalBytes && time.GetElapsedTime(_told, now) < Interval)
                return false;
            _told = now;
            if (fetching.Bytes >= fetching.TotalBytes)
                _before = long.MaxValue;
            return true;
        }
    }

    /// <summary>Bytes, rate and the time that is left, for people.</summary>
    public static string Text(NodeFetching fetching, TimeSpan elapsed)
    {
        double rate = fetching.Bytes / Math.Max(0.001, elapsed.TotalSeconds);
        double left = (fetching.TotalBytes - fetching.Bytes) / Math.Max(1, rate);
        return FormattableString.Invariant($"{Sizes.Bytes(fetching.Bytes)} of {Sizes.Bytes(fetching.TotalBytes)}, {Sizes.Bytes(rate)}/s, {left:F0} s left");
    }
}
