using System.Globalization;
using System.Text.Json;
using Swarm.Testing.Processes;

namespace Swarm.Integration.Tests;

/// <summary>What a node keeps in memory of its own.</summary>
public sealed class NodeMemoryTests
{
    private const long RuntimeBytes = 100_000_000;

    [SkippableFact]
    public async Task Serve_AfterASessionOfAThousandTokens_HoldsWeightsCacheAndLittleElse()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "reads /proc");
        await using SwarmProcess node = SwarmProcess.Start(["serve", "--json", "--listen", "127.0.0.1:0", "--blocks", "0:30"]);
        JsonElement ready = await node.WaitForEventAsync("ready");
        string invite = ready.GetProperty("invite").GetString()!;
        string prompt = string.Concat(Enumerable.Repeat("The quick brown fox jumps over the lazy dog. ", 95));
        SwarmResult result = await SwarmProcess.RunAsync(["generate", "-", "--tokens", "64", "--json", "--join", invite], prompt);
        Assert.True(result.ExitCode == 0, result.Error);
        int tokens = result.Last().GetProperty("promptTokens").GetInt32() + result.Last().GetProperty("tokens").GetArrayLength();
        Assert.True(tokens >= 1000, $"{tokens} tokens");

        // 30 blocks, keys and values, 3 heads of 64, F16, whole pages of 64 positions.
        long cacheBytes = (tokens + 63) / 64 * 64 * 30L * 2 * 3 * 64 * 2;
        long limit = ready.GetProperty("weightBytes").GetInt64() + cacheBytes + RuntimeBytes;
        long anonymous = AnonymousBytes(node.Id);
        Assert.True(anonymous <= limit, $"{anonymous} anonymous bytes after {tokens} tokens, expected at most {limit}");
    }

    private static long AnonymousBytes(int pid)
    {
        string line = File.ReadLines($"/proc/{pid}/status").First(line => line.StartsWith("RssAnon:", StringComparison.Ordinal));
        return 1024 * long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2].Split('\t')[^1], CultureInfo.InvariantCulture);
    }
}
