using System.Text.Json;
using Swarm.Testing.Processes;

namespace Swarm.Integration.Tests;

/// <summary>The shape of what bench says; its figures are the machine's affair.</summary>
public sealed class BenchTests
{
    private const string Model = "random:16MiB:q4_0";

    [Fact]
    public async Task Model_TellsFiguresAndTheirFloor()
    {
        JsonElement done = await RunAsync("bench", "model", "--model", Model, "--threads", "2");
        Assert.Equal(2, done.GetProperty("threads").GetInt32());
        AssertPositive(
            done, "readBandwidthBytesPerSecond", "prefillTokensPerSecond", "decodeTokensPerSecond", "decodeBandwidthFraction", "weightBytesPerToken");
    }

    [Fact]
    public async Task Chain_TellsBothRatesAndWhatAHopCosts()
    {
        JsonElement done = await RunAsync("bench", "chain", "--model", Model, "--nodes", "2");
        Assert.Equal(2, done.GetProperty("nodes").GetInt32());
        AssertPositive(done, "localTokensPerSecond", "chainTokensPerSecond", "ratio", "softwareSecondsPerHop");
    }

    [Fact]
    public async Task Sessions_TellsBothRatesAndWhereArithmeticTakesOver()
    {
        JsonElement done = await RunAsync("bench", "sessions", "--model", Model, "--sessions", "4", "--steps", "4");
        Assert.Equal(4, done.GetProperty("sessions").GetInt32());
        AssertPositive(done, "oneTokensPerSecond", "allTokensPerSecond", "ratio", "prefillTokensPerSecond", "arithmeticFromSessions", "floorFraction");
    }

    private static async Task<JsonElement> RunAsync(params string[] arguments)
    {
        SwarmResult result = await SwarmProcess.RunAsync([.. arguments, "--json"]);
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Equal("done", result.Last().GetProperty("event").GetString());
        return result.Last();
    }

    private static void AssertPositive(JsonElement done, params string[] names) =>
        Assert.All(names, name => Assert.True(done.GetProperty(name).GetDouble() > 0, $"{name}: {done.GetProperty(name)}"));
}
