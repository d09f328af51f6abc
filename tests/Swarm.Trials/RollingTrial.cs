using System.Globalization;
using Swarm.Testing.Trials;

namespace Swarm.Trials;

/// <summary>A rolling restart of six nodes under four clients.</summary>
internal static class RollingTrial
{
    public static async Task<int> RunAsync()
    {
        IReadOnlyList<(GenerationOutcome Outcome, bool IsIdentical)> all = await RollingRestart.RunAsync(4, "0:10", "10:20", "20:30", "0:10", "10:20", "20:30");
        foreach ((GenerationOutcome outcome, bool _) in all.Where(one => !one.IsIdentical))
            Console.WriteLine($"not the same text: {outcome.Failure}");
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"6 nodes restarted one by one under 4 clients: {all.Count} generations, {all.Count(one => !one.Outcome.IsDone)} failed, {all.Count(one => one.IsIdentical)} identical, {all.Sum(one => one.Outcome.Recoveries.Count)} recoveries; longest gap between two tokens {all.Max(one => one.Outcome.LongestGap).TotalSeconds:F2} s"));
        return all.All(one => one.IsIdentical) ? 0 : 1;
    }
}
