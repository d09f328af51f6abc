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

    [Fact]
    public async Task Wire_TellsOfEachCodecWhatItCostsAndWhatItChanges()
    {
        JsonElement done = await RunAsync("bench", "wire", "--tokens", "48", "--threads", "2");
        var codecs = done.GetProperty("codecs").EnumerateArray().ToDictionary(codec => codec.GetProperty("name").GetString()!);
        Assert.Equal(["f32", "f16", "int8", "fine", "medium", "coarse"], codecs.Keys);
        Assert.All(codecs.Values, codec => AssertPositive(codec, "bytesPerValue", "bytesPerValueAlone", "perplexity", "encodeSecondsPerValue", "decodeSecondsPerValue"));
        double Of(string codec, string field) => codecs[codec].GetProperty(field).GetDouble();
        Assert.Equal((0.0, 0.0, 1.0), (Of("f32", "klNats"), Of("f32", "perplexityChange"), Of("f32", "sameChoice")));
        foreach ((string finer, string coarser) in new[] { ("f16", "fine"), ("fine", "medium"), ("medium", "coarse") })
        {
            Assert.True(Of(finer, "bytesPerValue") > Of(coarser, "bytesPerValue") && Of(finer, "klNats") < Of(coarser, "klNats"), $"{finer}, {coarser}");
            Assert.InRange(Of(coarser, "bytesPerValue") - Of(coarser, "entropyBytesPerValue"), 0, 0.03);
        }
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
