using Xunit.Abstractions;

namespace Swarm.Simulation.Tests;

/// <summary>Whole swarms under faults. One that fails says by which command it comes again.</summary>
public sealed class ScenarioTests(ITestOutputHelper output)
{
    [Fact]
    public void Run_TwoHundredSeeds_NothingIsWrong()
    {
        SimulationTotals totals = SeedRunner.Run(0, 200, new SimulationOptions());

        output.WriteLine($"{totals.Generations} generations, {totals.Tokens} tokens, {totals.Recoveries} recoveries, {totals.PrefixTokens} tokens not computed again, {totals.VirtualSeconds:F0} virtual seconds; {string.Join(", ", totals.Faults)}");
        Assert.True(totals.Failed.Count == 0, string.Join('\n', totals.Failed.Select(run => $"swarm simulate --seeds {run.Seed}:{run.Seed + 1}\n  {string.Join("\n  ", run.Violations)}")));
        Assert.True(totals.Faults.Values.Sum() >= 1000, "fewer faults than meant");
        Assert.Equal(Enum.GetValues<SimulatedFault>(), totals.Faults.Keys.Order());
        Assert.True(totals.Recoveries >= 200, "fewer recoveries than meant");
        Assert.True(totals.PrefixTokens >= 10_000, "fewer shared beginnings than meant");
    }

    [Fact]
    public void Run_ThinClients_NothingIsWrong()
    {
        SimulationTotals totals = SeedRunner.Run(0, 8, new SimulationOptions { ThinClients = 0.7 });

        Assert.True(totals.Failed.Count == 0, string.Join('\n', totals.Failed.SelectMany(run => run.Violations.Prepend($"seed {run.Seed}, thin clients"))));
        Assert.True(totals.Recoveries > 0, "no recoveries");
    }

    [Fact]
    public void Run_OneSeedTwice_IsTheSameRun()
    {
        SimulationTotals first = SeedRunner.Run(3, 5, new SimulationOptions());
        SimulationTotals second = SeedRunner.Run(3, 5, new SimulationOptions());

        Assert.Equal(first.TraceHash, second.TraceHash);
        Assert.NotEqual(first.Runs[0].TraceHash, first.Runs[1].TraceHash);
    }

    [Fact]
    public void Draw_ManySeeds_EachBlockHasTwoNodes()
    {
        for (ulong seed = 0; seed < 500; seed++)
        {
            ScenarioPlan plan = ScenarioPlan.Draw(seed, new SimulationOptions(), blocks: 7);

            Assert.InRange(plan.Spans.Count, 5, 8);
            for (int block = 0; block < 7; block++)
                Assert.True(plan.Spans.Count(span => span.Contains(block)) >= 2, $"seed {seed}, block {block}");
            Assert.All(plan.Faults, fault => Assert.True(fault.At < plan.Length));
        }
    }
}
