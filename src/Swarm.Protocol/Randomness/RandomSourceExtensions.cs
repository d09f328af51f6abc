namespace Swarm.Protocol;

/// <summary>What callers usually draw.</summary>
public static class RandomSourceExtensions
{
    /// <summary>Uniform in [0, 1), 53 bits.</summary>
    public static double NextDouble(this IRandomSource source) => (source.NextUInt64() >> 11) * (1.0 / (1UL << 53));

    /// <summary>The duration times a uniform factor in [1 − share, 1 + share), so that peers do not act in step.</summary>
    public static TimeSpan Jitter(this IRandomSource source, TimeSpan duration, double share) =>
        duration * (1 + share * (2 * source.NextDouble() - 1));
}
