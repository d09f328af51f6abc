using System.Text.Json;
using Swarm.Testing;
using Swarm.Testing.Processes;

namespace Swarm.Integration.Tests;

/// <summary><c>swarm pause</c> and <c>swarm resume</c> on real nodes of one home.</summary>
public sealed class PauseTests
{
    private static readonly string[] Serve = ["serve", "--json", "--listen", "127.0.0.1:0", "--model", "random:8MiB:q8_0", "--blocks", "0:17"];
    private static readonly string[] Score = ["score", "--model", "random:8MiB:q8_0", "--ids", "1,2,3", "--json"];

    [Fact]
    public async Task Pause_ThenResume_StopsAndTakesSessionsAgain()
    {
        using TemporaryFolder home = new();
        Dictionary<string, string> environment = new() { ["SWARM_HOME"] = home.Path };
        await using SwarmProcess node = SwarmProcess.Start(Serve, environment);
        JsonElement ready = await node.WaitForEventAsync("ready");

        SwarmResult pause = await SwarmProcess.RunAsync(["pause", "--json"], environment: environment);
        Assert.True(pause.ExitCode == 0, pause.Error);
        JsonElement told = pause.Last().GetProperty("nodes")[0];
        Assert.Equal("paused", told.GetProperty("state").GetString());
        Assert.Equal(ready.GetProperty("peer").GetString(), told.GetProperty("peer").GetString());
        Assert.Equal(node.Id, told.GetProperty("pid").GetInt32());
        await node.WaitForEventAsync("paused");
        SwarmResult refused = await SwarmProcess.RunAsync(Score, environment: environment);
        Assert.Equal(3, refused.ExitCode);

        SwarmResult resume = await SwarmProcess.RunAsync(["resume"], environment: environment);
        Assert.True(resume.ExitCode == 0, resume.Error);
        Assert.Contains("is serving, 0 sessions open", resume.Output, StringComparison.Ordinal);
        await node.WaitForEventAsync("resumed");
        SwarmResult served = await SwarmProcess.RunAsync(Score, environment: environment);
        Assert.True(served.ExitCode == 0, served.Error);
    }

    [Fact]
    public async Task Pause_AfterTheNodeWasKilled_SaysThatNoneRuns()
    {
        using TemporaryFolder home = new();
        Dictionary<string, string> environment = new() { ["SWARM_HOME"] = home.Path };
        await using (SwarmProcess node = SwarmProcess.Start(Serve, environment))
        {
            await node.WaitForEventAsync("ready");
            node.Kill();
        }

        SwarmResult pause = await SwarmProcess.RunAsync(["pause", "--json"], environment: environment);
        Assert.Equal(1, pause.ExitCode);
        Assert.Equal("NoNode", pause.Last().GetProperty("code").GetString());
        Assert.Contains("'swarm serve'", pause.Error, StringComparison.Ordinal);
    }
}
