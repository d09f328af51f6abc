using System.Diagnostics;
using System.Globalization;
using Swarm.Testing.Trials;

namespace Swarm.Trials;

/// <summary>Many kills, or freezes, of real nodes over all hops and moments; every text is compared with that of one process.</summary>
internal static class KillsTrial
{
    public static async Task<int> RunAsync(string[] words)
    {
        TrialArguments arguments = new(words);
        int runs = arguments.Number("--runs", 140);
        int seed = arguments.Number("--seed", 1);
        FaultAct act = arguments.Has("--freeze") ? FaultAct.Freeze : FaultAct.Kill;
        FaultMoment[] moments = Enum.GetValues<FaultMoment>();
        await using FaultTrials trials = await FaultTrials.StartAsync((ulong)seed);
        List<FaultOutcome> outcomes = [];
        for (int run = 0; run < runs; run++)
        {
            FaultMoment moment = moments[run % moments.Length];

            // Only the middle span has a second replica.
            int hop = moment == FaultMoment.Replacement ? 1 : run / moments.Length % FaultTrials.Hops;
            long start = Stopwatch.GetTimestamp();
            FaultOutcome outcome = await trials.RunAsync(act, moment, hop);
            outcomes.Add(outcome);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{run + 1,4} {Stopwatch.GetElapsedTime(start).TotalSeconds,5:F1} s  hop {hop}  {outcome}"));
        }

        Summarize(act, outcomes);
        return outcomes.All(outcome => outcome.IsIdentical) ? 0 : 1;
    }

    private static void Summarize(FaultAct act, List<FaultOutcome> outcomes)
    {
        Console.WriteLine();
        foreach (IGrouping<FaultMoment, FaultOutcome> group in outcomes.GroupBy(outcome => outcome.Moment).OrderBy(group => group.Key))
            Say($"{group.Key}", [.. group]);
        Say("all", outcomes);
        int struck = outcomes.Sum(outcome => outcome.Struck.Count);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{struck} nodes struck ({act}); {outcomes.Count(outcome => outcome.IsIdentical)} identical, {outcomes.Count(outcome => !outcome.IsIdentical)} different; nodes behind a lost one computed {outcomes.Sum(outcome => outcome.Generation.RecomputedDownstreamTokens)} tokens again"));
    }

    private static void Say(string name, IReadOnlyList<FaultOutcome> outcomes)
    {
        TimeSpan[] gaps = [.. outcomes.Select(outcome => outcome.Generation.LongestGap)];
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{name,-15}{outcomes.Count(outcome => outcome.IsIdentical),4} of {outcomes.Count,3} identical; longest gap between two tokens: median {Figures.Median(gaps).TotalSeconds:F3} s, max {gaps.Max().TotalSeconds:F3} s"));
    }
}
