namespace Swarm.Client;

/// <summary>
/// When to leave a hop that is slower than it said. Leaving costs: the one that takes over computes all positions again while the session waits. It is worth that
/// where the tokens still to come gain clearly more. Plain function.
/// </summary>
internal static class LeaveRule
{
    /// <summary>Not left more often than that.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    /// <summary>A slow hop's alternatives are not looked at more often than that: it takes a plan.</summary>
    public static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(5);

    /// <summary>What a position of a long step costs beside one of a single token: weights are read once for many.</summary>
    private const double PrefillShare = 0.25;

    /// <summary>A hop this much slower than it announced did not keep its word; less is the day's noise.</summary>
    private const double Tolerance = 1.5;

    /// <summary>What is gained must be worth more than the cost by so much, because both are estimates.</summary>
    private const double Margin = 2;

    // Opening a chain, the step that waits meanwhile, and that estimates of short times are worth little.
    private static readonly TimeSpan s_opening = TimeSpan.FromSeconds(2);

    /// <summary>Whether a hop is slower than its word, so that others are worth a look.</summary>
    public static bool IsSlow(TimeSpan measured, TimeSpan promised) => promised > TimeSpan.Zero && measured >= promised * Tolerance;

    /// <summary>
    /// By how much announcements are to be doubted now: where all of a chain's other hops are slower than they said (a shared machine, heat), whoever else announces will be too. At least 1.
    /// </summary>
    /// <param name="measured">Of each hop.</param>
    /// <param name="promised">Of each hop.</param>
    /// <param name="hop">The one that is thought of leaving.</param>
    public static double Doubt(IReadOnlyList<TimeSpan> measured, IReadOnlyList<TimeSpan> promised, int hop)
    {
        double least = double.PositiveInfinity;
        for (int index = 0; index < measured.Count; index++)
        {
            if (index != hop && promised[index] > TimeSpan.Zero && measured[index] > TimeSpan.Zero)
                least = Math.Min(least, measured[index] / promised[index]);
        }

        return double.IsInfinity(least) ? 1 : Math.Max(1, least);
    }

    /// <summary>Whether to leave.</summary>
    /// <param name="measured">Time of a token at the hop, waiting included, as the session measured it.</param>
    /// <param name="promised">The same as the hop announced it when it was chosen; zero: it said nothing.</param>
    /// <param name="alternative">The same as the best alternative announces it now; zero: it says nothing.</param>
    /// <param name="remaining">Tokens that are still to come.</param>
    /// <param name="positions">Positions that the session holds.</param>
    public static bool ShouldLeave(TimeSpan measured, TimeSpan promised, TimeSpan alternative, int remaining, int positions)
    {
        // Who says nothing promises nothing.
        if (!IsSlow(measured, promised) || alternative <= TimeSpan.Zero || remaining <= 0 || alternative >= measured)
            return false;
        TimeSpan gain = (measured - alternative) * remaining;
        TimeSpan cost = (alternative * (PrefillShare * positions)) + s_opening;
        return gain > cost * Margin;
    }
}
