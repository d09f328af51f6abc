using Swarm.Protocol.Directory;

namespace Swarm.Client;

/// <summary>
/// What the parts of a route cost, in whole units of 50 ns (half a tick): sums are exact, so equal routes are equal whatever the order of adding. Announced figures are others' claims: they
/// are bounded, and absent ones replaced by the planner's defaults.
/// </summary>
internal static class RouteCosts
{
    // Keeps sums far from the end of a long.
    private static readonly TimeSpan s_most = TimeSpan.FromHours(1);

    /// <summary>One way over a link that nobody measured.</summary>
    public static long UnknownWay => Way(RoutePlanner.UnknownRoundTrip);

    /// <summary>One way between the client and a node.</summary>
    public static long ClientWay(RouteCandidate candidate) => Way(candidate.RoundTrip ?? RoutePlanner.UnknownRoundTrip);

    /// <summary>What a token waits at a node, whatever it computes there.</summary>
    public static long Entry(RouteCandidate candidate) => 2 * (Bounded(candidate.QueueTime) + RoutePlanner.HopTime).Ticks;

    /// <summary>Compute time of a block.</summary>
    public static long Block(RouteCandidate candidate) =>
        2 * (candidate.BlockTime > TimeSpan.Zero ? Bounded(candidate.BlockTime) : RoutePlanner.UnknownBlockTime).Ticks;

    /// <summary>One way from a node to another, as the first measured it, else as the second did; null: neither.</summary>
    public static long? Way(RouteCandidate from, RouteCandidate to) => Measured(from, to) ?? Measured(to, from);

    /// <summary>One way: half of a round trip, which is its ticks in half ticks.</summary>
    public static long Way(TimeSpan roundTrip) => Bounded(roundTrip).Ticks;

    public static TimeSpan ToTime(long cost) => TimeSpan.FromTicks(cost / 2);

    private static TimeSpan Bounded(TimeSpan time) => time < TimeSpan.Zero ? TimeSpan.Zero : time > s_most ? s_most : time;

    private static long? Measured(RouteCandidate by, RouteCandidate other)
    {
        foreach (LinkMeasurement link in by.Links)
        {
            if (link.Peer == other.Peer)
                return Way(link.RoundTrip);
        }

        return null;
    }
}
