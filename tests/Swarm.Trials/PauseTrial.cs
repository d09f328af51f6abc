using System.Diagnostics;
using System.Globalization;
using Swarm.Testing.Processes;
using Swarm.Testing.Trials;

namespace Swarm.Trials;

/// <summary>How long a reader waits when a node is lost at the hundredth token, and how soon a client says that nobody can take its place.</summary>
internal static class PauseTrial
{
    public static async Task<int> RunAsync(string[] words)
    {
        int runs = new TrialArguments(words).Number("--runs", 9);
        bool identical = true;
        await using FaultTrials trials = await FaultTrials.StartAsync(1);
        foreach ((FaultAct act, double limit) in new[] { (FaultAct.Kill, 0.5), (FaultAct.Freeze, 3.5) })
        {
            List<FaultOutcome> outcomes = [];
            for (int run = 0; run < runs; run++)
                outcomes.Add(await trials.RunAsync(act, FaultMoment.HundredthStep, run % FaultTrials.Hops));
            TimeSpan[] gaps = [.. outcomes.Select(outcome => outcome.Generation.LongestGap)];
            identical &= outcomes.All(outcome => outcome.IsIdentical);
            Say($"{act} at token 100, {runs} runs: longest gap between two tokens: median {Figures.Median(gaps).TotalSeconds:F3} s, max {gaps.Max().TotalSeconds:F3} s (limit {limit} s); else {Figures.Median(outcomes.Select(outcome => outcome.Generation.MedianGap)).TotalSeconds:F3} s; {outcomes.Count(outcome => outcome.IsIdentical)} texts identical");
        }

        Say($"no replica: {(await NoReplicaAsync()).TotalSeconds:F2} s from the kill to the error that names the blocks (limit 5 s)");
        return identical ? 0 : 1;
    }

    private static async Task<TimeSpan> NoReplicaAsync()
    {
        await using ServeFleet fleet = await ServeFleet.StartAsync(["0:15", "15:30"], ["--threads", "1"]);
        await using WatchedGeneration generation = WatchedGeneration.Start(fleet.Invite, ["Once upon a time", "--tokens", "2000"]);
        await generation.WaitForEventsAsync("token", 20);
        long killed = Stopwatch.GetTimestamp();
        fleet.Nodes[1].Kill();
        SwarmResult result = (await generation.FinishAsync()).Result;
        if (result.Last().GetProperty("code").GetString() != "NoRoute" || result.Last().GetProperty("blocks").GetRawText() != "[15,30]")
            throw new InvalidOperationException($"expected NoRoute of blocks [15,30], got {result.Last()}");
        return Stopwatch.GetElapsedTime(killed, result.Lines[^1].At);
    }

    private static void Say(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
