namespace Swarm.Client;

/// <summary>
/// When to leave a hop that is slower than it said. Leaving costs: the one that takes over computes all positions again while the session waits. It is worth that
/// where the tokens still to come gain clearly more. Plain function.
/// </summary>
internal static class LeaveRule
{
    /// <summary>Not more often than that.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    /// <summary>What a position of a long step costs beside one of a single token: weights are read once for many.</summary>
    private const double PrefillShare = 0.25;

    /// <summary>A hop this much slower than it announced did not keep its word; less is the day's noise.</summary>
    private const double Tolerance = 1.5;

    /// <summary>What is gained must be worth more than the cost by so much, because both are estimates.</summary>
    private const double Margin = 2;

    // Opening a chain, and the step that waits meanwhile.
    private static readonly TimeSpan s_opening = TimeSpan.FromSeconds(0.5);

    /// <summary>Whether to leave.</summary>
    /// <param name="measured">Time of a token at the hop, waiting included, as the session measured it.</param>
    /// <param name="promised">The same as the hop announced it when it was chosen; zero: it said nothing.</param>
    /// <param name="alternative">The same as the best alternative announces it now; zero: it says nothing.</param>
    /// <param name="remaining">Tokens that are still to come.</param>
    /// <param name="positions">Positions that the session holds.</param>
    public static bool ShouldLeave(TimeSpan measured, TimeSpan promised, TimeSpan alternative, int remaining, int positions)
    {
        // Who says nothing promises nothing.
        if (promised <= TimeSpan.Zero || alternative <= TimeSpan.Zero || remaining <= 0 || measured < promised * Tolerance || alternative >= measured)
            return false;
        TimeSpan gain = (measured - alternative) * remaining;
        TimeSpan cost = (alternative * (PrefillShare * positions)) + s_opening;
        return gain > cost * Margin;
    }
}
