using System.Globalization;

namespace Swarm.Testing.Trials;

/// <summary>A trial: what was done to a generation, and what became of it.</summary>
/// <param name="Moment">When harm was done.</param>
/// <param name="Struck">The nodes that it was done to, as hop and span; empty when the run was over before.</param>
/// <param name="Generation">What the client said.</param>
/// <param name="IsIdentical">Whether it ended well and its tokens are those of the undisturbed run.</param>
public sealed record FaultOutcome(FaultMoment Moment, IReadOnlyList<string> Struck, GenerationOutcome Generation, bool IsIdentical)
{
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Moment,-15}{string.Join(" and ", Struck),-30}{(IsIdentical ? "identical" : "DIFFERENT"),-11}gap {Generation.LongestGap.TotalSeconds:F3} s, recoveries {Generation.Recoveries.Count}, epoch {Generation.Epoch}, replayed {Generation.ReplayedTokens}, recomputed downstream {Generation.RecomputedDownstreamTokens} {Generation.Failure}");
}
