namespace Swarm.Testing.Trials;

/// <summary>Order statistics of measured times.</summary>
public static class Figures
{
    /// <summary>The middle one; zero of none.</summary>
    public static TimeSpan Median(IEnumerable<TimeSpan> times)
    {
        TimeSpan[] sorted = [.. times.Order()];
        return sorted.Length == 0 ? TimeSpan.Zero : sorted[sorted.Length / 2];
    }
}
