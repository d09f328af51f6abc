using System.Diagnostics;
using System.Text.Json;
using Swarm.Testing;
using Swarm.Testing.Processes;

namespace Swarm.Integration.Tests;

/// <summary><c>swarm demo</c>: three nodes come, answer, and go without a trace.</summary>
public sealed class DemoTests
{
    // The model goes on about this for hundreds of tokens, so that an interrupt finds it at work.
    private const string LongAnswer = "What do bees do?";

    [Fact]
    public async Task Demo_Default_AnswersThroughThreeNodesAndLeavesNothing()
    {
        using TemporaryFolder home = new();
        SwarmResult result = await SwarmProcess.RunAsync(
            ["demo", "--prompt", "Name three primary colours.", "--tokens", "12", "--json"], environment: new Dictionary<string, string> { ["SWARM_HOME"] = home.Path });
        Assert.True(result.ExitCode == 0, result.Error);
        IReadOnlyList<JsonElement> events = result.ParseEvents();
        JsonElement[] ready = [.. events.Where(e => e.GetProperty("event").GetString() == "nodeReady")];
        Assert.Equal(["[0,10]", "[10,20]", "[20,30]"], ready.Select(e => e.GetProperty("blocks").GetRawText()).Order());
        Assert.Contains(events, e => e.GetProperty("event").GetString() == "route");
        Assert.Contains("Red", events[^1].GetProperty("text").GetString(), StringComparison.Ordinal);
        Assert.All(events[^1].GetProperty("hops").EnumerateArray(), hop =>
        {
            Assert.True(hop.GetProperty("computeSeconds").GetDouble() > 0);
            Assert.True(hop.GetProperty("forwardedDirectly").GetInt64() > 0);
        });
        Assert.All(ready, e => AssertGone(e.GetProperty("pid").GetInt32()));
        Assert.Empty(Directory.EnumerateFileSystemEntries(home.Path));
    }

    [Fact]
    public async Task Demo_ForPeople_DrawsChainTextAndTable()
    {
        SwarmResult result = await SwarmProcess.RunAsync(["demo", "--nodes", "2", "--prompt", "Name three primary colours.", "--tokens", "12", "--no-color"]);
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Contains("blocks 0:15", result.Error, StringComparison.Ordinal);
        Assert.Contains("Red", result.Output, StringComparison.Ordinal);
        Assert.Contains("first token after", result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("\u001b", result.Output + result.Error, StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData(2)]
    [InlineData(15)]
    public async Task Demo_InterruptedWhileGenerating_ExitsWith130AndLeavesNothing(int signal)
    {
        Skip.If(OperatingSystem.IsWindows(), "signals are sent on Unix only");
        using TemporaryFolder home = new();
        await using SwarmProcess demo = SwarmProcess.Start(
            ["demo", "--prompt", LongAnswer, "--tokens", "4000", "--json"], new Dictionary<string, string> { ["SWARM_HOME"] = home.Path });
        int[] pids = new int[3];
        for (int i = 0; i < pids.Length; i++)
            pids[i] = (await demo.WaitForEventAsync("nodeReady")).GetProperty("pid").GetInt32();
        await demo.WaitForEventAsync("token");
        if (signal == 2)
            demo.Interrupt();
        else
            demo.Terminate();
        SwarmResult result = await demo.WaitForExitAsync();
        Assert.Equal(130, result.ExitCode);
        Assert.Equal("Interrupted", result.Last().GetProperty("code").GetString());
        Assert.All(pids, AssertGone);
        Assert.Empty(Directory.EnumerateFileSystemEntries(home.Path));
    }

    [SkippableFact]
    public async Task Demo_InterruptedTwice_EndsAtOnceAndTakesItsNodesAlong()
    {
        Skip.If(OperatingSystem.IsWindows(), "signals are sent on Unix only");
        await using SwarmProcess demo = SwarmProcess.Start(["demo", "--nodes", "2", "--prompt", LongAnswer, "--tokens", "4000", "--json"]);
        Process[] nodes = new Process[2];
        for (int i = 0; i < nodes.Length; i++)
            nodes[i] = Process.GetProcessById((await demo.WaitForEventAsync("nodeReady")).GetProperty("pid").GetInt32());
        await demo.WaitForEventAsync("token");
        demo.Interrupt();
        demo.Interrupt();
        Assert.Equal(130, (await demo.WaitForExitAsync()).ExitCode);
        using CancellationTokenSource patience = new(SwarmProcess.Patience);
        foreach (Process node in nodes)
            await node.WaitForExitAsync(patience.Token);
    }

    [SkippableFact]
    public async Task Demo_Killed_TakesItsNodesAlong()
    {
        Skip.If(OperatingSystem.IsWindows(), "process ids are looked up on Unix only");
        await using SwarmProcess demo = SwarmProcess.Start(["demo", "--prompt", LongAnswer, "--tokens", "4000", "--json"]);
        int[] pids = new int[3];
        for (int i = 0; i < pids.Length; i++)
            pids[i] = (await demo.WaitForEventAsync("nodeReady")).GetProperty("pid").GetInt32();
        Process[] nodes = [.. pids.Select(Process.GetProcessById)];
        demo.Kill();
        using CancellationTokenSource patience = new(SwarmProcess.Patience);
        foreach (Process node in nodes)
            await node.WaitForExitAsync(patience.Token);
    }

    [Fact]
    public async Task Demo_Kill_GoesOnWithTheSameTextAndLeavesNothing()
    {
        using TemporaryFolder home = new();
        SwarmResult result = await SwarmProcess.RunAsync(
            ["demo", "--kill", "--prompt", LongAnswer, "--tokens", "24", "--json"], environment: new Dictionary<string, string> { ["SWARM_HOME"] = home.Path });
        Assert.True(result.ExitCode == 0, result.Error);
        ILookup<string?, JsonElement> events = result.ParseEvents().ToLookup(e => e.GetProperty("event").GetString());
        Assert.Equal(6, events["nodeReady"].Count());
        JsonElement killed = Assert.Single(events["killed"]);
        Assert.Equal(12, killed.GetProperty("atToken").GetInt32());
        Assert.Contains(events["nodeReady"], e => e.GetProperty("pid").GetInt32() == killed.GetProperty("pid").GetInt32() && e.GetProperty("peer").GetString() == killed.GetProperty("peer").GetString());

        JsonElement recovery = Assert.Single(events["recovery"]);
        Assert.Equal(killed.GetProperty("peer").GetString(), recovery.GetProperty("peer").GetString());
        Assert.Equal("[10,20]", recovery.GetProperty("blocks").GetRawText());
        Assert.True(recovery.GetProperty("replayedTokens").GetInt32() >= 12);
        Assert.Equal(0, recovery.GetProperty("recomputedDownstreamTokens").GetInt32());
        JsonElement done = result.Last();
        Assert.True(done.GetProperty("textUnchanged").GetBoolean());
        Assert.Equal(events["undisturbed"].Single().GetProperty("tokens").GetRawText(), done.GetProperty("tokens").GetRawText());
        Assert.Equal(done.GetProperty("tokens").EnumerateArray().Select(id => id.GetInt32()), events["token"].Select(e => e.GetProperty("id").GetInt32()));
        Assert.True(done.GetProperty("pauseSeconds").GetDouble() > 0);
        Assert.All(events["nodeReady"], e => AssertGone(e.GetProperty("pid").GetInt32()));
        Assert.Empty(Directory.EnumerateFileSystemEntries(home.Path));
    }

    [SkippableFact]
    public async Task Demo_KillInterruptedAfterTheKill_LeavesNothing()
    {
        Skip.If(OperatingSystem.IsWindows(), "signals are sent on Unix only");
        using TemporaryFolder home = new();
        await using SwarmProcess demo = SwarmProcess.Start(
            ["demo", "--kill", "--nodes", "1", "--prompt", LongAnswer, "--tokens", "100", "--json"], new Dictionary<string, string> { ["SWARM_HOME"] = home.Path });
        int[] pids = new int[2];
        for (int i = 0; i < pids.Length; i++)
            pids[i] = (await demo.WaitForEventAsync("nodeReady")).GetProperty("pid").GetInt32();
        await demo.WaitForEventAsync("killed");
        demo.Interrupt();
        Assert.Equal(130, (await demo.WaitForExitAsync()).ExitCode);
        Assert.All(pids, AssertGone);
        Assert.Empty(Directory.EnumerateFileSystemEntries(home.Path));
    }

    [Fact]
    public async Task Demo_KillForPeople_MarksTheKillInTheTextAndSaysWhoTookOver()
    {
        SwarmResult result = await SwarmProcess.RunAsync(["demo", "--kill", "--nodes", "1", "--prompt", LongAnswer, "--tokens", "12", "--no-color"]);
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Contains(" killed]", result.Output, StringComparison.Ordinal);
        Assert.Contains("blocks 0:30, after token 6 of 12", result.Output, StringComparison.Ordinal);
        Assert.Contains("(blocks 0:30)", result.Output, StringComparison.Ordinal);
        Assert.Contains("unchanged: the same 12 tokens", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Demo_WhenNodesCannotStart_SaysWhyAndLeavesNothing()
    {
        using TemporaryFolder folder = new();
        string model = folder.File("cut.gguf");
        using (FileStream whole = File.OpenRead(TestData.DefaultModelFile))
        using (FileStream cut = File.Create(model))
        {
            byte[] head = new byte[4 << 20];
            whole.ReadExactly(head);
            cut.Write(head);
        }

        SwarmResult result = await SwarmProcess.RunAsync(["demo", "--model", model, "--json"]);
        Assert.Equal(1, result.ExitCode);
        Assert.Equal("CorruptModel", result.Last().GetProperty("code").GetString());
        Assert.DoesNotContain(result.ParseEvents(), e => e.GetProperty("event").GetString() == "nodeReady");
    }

    private static void AssertGone(int pid) => Assert.Throws<ArgumentException>(() => Process.GetProcessById(pid));
}
