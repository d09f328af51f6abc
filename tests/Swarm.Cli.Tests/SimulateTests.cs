using System.Text.Json;
using Swarm.Testing.Processes;

namespace Swarm.Cli.Tests;

public sealed class SimulateTests
{
    [Fact]
    public async Task Simulate_SameSeedsInTwoProcesses_HaveOneTrace()
    {
        SwarmResult first = await SwarmProcess.RunAsync(["simulate", "--seeds", "1:3", "--minutes", "0.1", "--json"]);
        SwarmResult second = await SwarmProcess.RunAsync(["simulate", "--seeds", "1:3", "--minutes", "0.1", "--json"]);
        Assert.True(first.ExitCode == 0, first.Output + first.Error);
        JsonElement done = first.Last();
        Assert.Matches("^[0-9a-f]{16}$", done.GetProperty("traceHash").GetString());
        Assert.Equal(done.GetProperty("traceHash").GetString(), second.Last().GetProperty("traceHash").GetString());
        Assert.Equal(2, done.GetProperty("runs").GetInt32());
        Assert.Equal(0, done.GetProperty("mismatches").GetInt32());
        Assert.Equal(0, done.GetProperty("hangs").GetInt32());
        Assert.Equal(0, done.GetProperty("violations").GetInt32());
        Assert.Equal(0, done.GetProperty("failedSeeds").GetArrayLength());
        Assert.True(done.GetProperty("tokens").GetInt64() > 0);
        Assert.True(done.GetProperty("virtualSeconds").GetDouble() > 10);
        Assert.Equal(JsonValueKind.Object, done.GetProperty("faults").ValueKind);
    }

    [Theory]
    [InlineData("--seeds", "3:3", "A:B with A < B")]
    [InlineData("--faults", "kill,flood", "kill, powerLoss")]
    [InlineData("--nodes", "1", "an integer from 2 to 32")]
    public async Task Simulate_ValueThatIsOff_NamesWhatIsExpected(string flag, string value, string expected)
    {
        SwarmResult result = await SwarmProcess.RunAsync(["simulate", flag, value]);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains(expected, result.Error, StringComparison.Ordinal);
    }
}
