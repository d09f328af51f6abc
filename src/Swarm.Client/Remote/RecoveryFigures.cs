using Swarm.Protocol.Wire;

namespace Swarm.Client;

/// <summary>What a mended chain says of the work that mending took. Plain function of its answer.</summary>
/// <param name="ReplayedTokens">Positions with which hops that did not hold the session are filled.</param>
/// <param name="ReplayDepth">Hops in a row that are filled anew, at the most.</param>
/// <param name="RecomputedDownstreamTokens">Positions that kept hops after the first that was not kept compute again.</param>
internal readonly record struct RecoveryFigures(int ReplayedTokens, int ReplayDepth, long RecomputedDownstreamTokens)
{
    /// <param name="hops">As <c>Opened</c> tells them.</param>
    /// <param name="confirmed">Positions below which no results were wanted.</param>
    public static RecoveryFigures Of(IReadOnlyList<HopOpened> hops, int confirmed)
    {
        int first = -1;
        long least = confirmed;
        long downstream = 0;
        for (int index = 0; index < hops.Count; index++)
        {
            if (!hops[index].Kept)
            {
                first = first < 0 ? index : first;
                least = Math.Min(least, hops[index].Start);
            }
            else if (first >= 0)
            {
                downstream += hops[index].Recomputed;
            }
        }

        // From the last hop backwards: one that is filled, and those before it that must compute again for its sake.
        int depth = 0;
        int run = 0;
        for (int index = hops.Count - 1; index >= 0; index--)
        {
            run = !hops[index].Kept || (run > 0 && hops[index].Recomputed > 0) ? run + 1 : 0;
            depth = Math.Max(depth, run);
        }

        return new RecoveryFigures((int)(confirmed - least), depth, downstream);
    }
}
