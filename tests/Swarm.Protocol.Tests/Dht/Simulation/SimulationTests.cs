using System.Diagnostics;
using Xunit.Abstractions;

namespace Swarm.Protocol.Tests.Dht.Simulation;

/// <summary>The figures of look-ups at scale. Time is virtual; only the seed matters.</summary>
public sealed class SimulationTests(ITestOutputHelper output)
{
    [Fact]
    public void FindAsync_ThousandPeersAFifthDeadOrMute_FindsInFourRounds()
    {
        using var swarm = new SimulatedSwarm(1);
        var watch = Stopwatch.StartNew();

        LookUpStudy study = LookUpStudy.Run(swarm, settled: 0, joining: 1000, keys: 100, lookUps: 2000, struck: 0.2);

        output.WriteLine($"{study}; {watch.Elapsed.TotalSeconds:F1} s, {Environment.CpuUsage.TotalTime.TotalSeconds:F1} s of a processor; {string.Join(", ", swarm.CallsByName)}");
        Assert.True(study.FoundShare >= 0.999, study.ToString());
        Assert.True(study.MedianRounds <= 4, study.ToString());
    }

    [Fact]
    public void FindAsync_TenThousandPeers_Finds()
    {
        using var swarm = new SimulatedSwarm(2);
        var watch = Stopwatch.StartNew();

        LookUpStudy study = LookUpStudy.Run(swarm, settled: 9_800, joining: 200, keys: 20, lookUps: 500, struck: 0.2);

        output.WriteLine($"{study}; {watch.Elapsed.TotalSeconds:F1} s, {Environment.CpuUsage.TotalTime.TotalSeconds:F1} s of a processor; {string.Join(", ", swarm.CallsByName)}");
        Assert.True(study.FoundShare >= 0.999, study.ToString());
        Assert.True(study.MedianRounds <= 5, study.ToString());
    }
}
