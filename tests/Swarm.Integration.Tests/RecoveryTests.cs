using System.Text.Json;
using Swarm.Testing.Networks;
using Swarm.Testing.Processes;
using Swarm.Testing.Trials;

namespace Swarm.Integration.Tests;

/// <summary>Real processes that die, freeze, vanish from the network and come back under generations. <c>scripts/kills</c> does the same for as long as one likes.</summary>
public sealed class RecoveryTests
{
    private static readonly string[] Story = ["Once upon a time", "--tokens", "64"];

    [SkippableFact]
    public async Task Generate_NodesKilledAloneAndInTwosAndOneFrozen_GivesTheTextOfOneProcess()
    {
        Skip.If(OperatingSystem.IsWindows(), "signals are sent on Unix only");
        await using FaultTrials trials = await FaultTrials.StartAsync(5);
        // scripts/kills goes through all moments at all hops.
        FaultMoment[] moments = [FaultMoment.HundredthStep, FaultMoment.TwoAtOnce];
        int recoveries = 0;
        for (int run = 0; run < moments.Length; run++)
        {
            FaultOutcome outcome = await trials.RunAsync(FaultAct.Kill, moments[run], run % FaultTrials.Hops);
            Assert.True(outcome.IsIdentical, outcome.ToString());
            Assert.True(outcome.Generation.RecomputedDownstreamTokens == 0, outcome.ToString());
            recoveries += outcome.Generation.Recoveries.Count;
        }

        // Some nodes may die too late to be missed, not most of them.
        Assert.True(recoveries >= moments.Length - 1, $"{recoveries} recoveries in {moments.Length} runs");

        // Back again while the text goes on without it, it does no harm.
        FaultOutcome frozen = await trials.RunAsync(FaultAct.Freeze, FaultMoment.HundredthStep, 1);
        Assert.True(frozen.IsIdentical, frozen.ToString());
        Assert.Contains(frozen.Generation.Recoveries, recovery => recovery.GetProperty("reason").GetString() == "PeerStalled");
    }

    [Fact]
    public async Task Generate_NobodyTakesTheDeadNodesPlace_NamesTheBlocks()
    {
        await using ServeFleet fleet = await ServeFleet.StartAsync(["0:15", "15:30"], ["--threads", "1"]);
        await using WatchedGeneration generation = WatchedGeneration.Start(fleet.Invite, ["Once upon a time", "--tokens", "2000"]);
        await generation.WaitForEventsAsync("token", 1);
        fleet.Nodes[1].Kill();
        SwarmResult result = (await generation.FinishAsync()).Result;
        Assert.Equal(3, result.ExitCode);
        Assert.Equal("NoRoute", result.Last().GetProperty("code").GetString());
        Assert.Equal("[15,30]", result.Last().GetProperty("blocks").GetRawText());
    }

    [Fact]
    public async Task Generate_NodeComesWithinTheGrace_GoesOn()
    {
        string expected = await TokensOfOneProcessAsync(Story);
        await using ServeFleet fleet = await ServeFleet.StartAsync(["0:15", "15:30"], ["--threads", "1"]);
        await using WatchedGeneration generation = WatchedGeneration.Start(fleet.Invite, [.. Story, "--grace", "80"]);
        await generation.WaitForEventsAsync("token", 10);
        string dead = fleet.Nodes[1].Peer;
        fleet.Nodes[1].Kill();
        await fleet.AddAsync("15:30");
        GenerationOutcome outcome = await generation.FinishAsync();
        Assert.True(outcome.IsDone, outcome.Failure);
        Assert.Equal(expected, outcome.Tokens);
        JsonElement recovery = Assert.Single(outcome.Recoveries);
        Assert.Equal(
            ["event", "reason", "peer", "blocks", "replayedTokens", "replayDepth", "recomputedDownstreamTokens", "seconds", "epoch"],
            recovery.EnumerateObject().Select(field => field.Name));
        Assert.Contains(recovery.GetProperty("reason").GetString(), (string[])["PeerLost", "PeerUnreachable"]);
        Assert.Equal(dead, recovery.GetProperty("peer").GetString());
        Assert.Equal("[15,30]", recovery.GetProperty("blocks").GetRawText());
        int prompt = outcome.Done.GetProperty("promptTokens").GetInt32();
        Assert.InRange(recovery.GetProperty("replayedTokens").GetInt32(), prompt + 9, prompt + 63);
        Assert.Equal(1, recovery.GetProperty("replayDepth").GetInt32());
        Assert.Equal(0, recovery.GetProperty("recomputedDownstreamTokens").GetInt32());
        Assert.InRange(recovery.GetProperty("seconds").GetDouble(), 1e-6, 80);
        Assert.InRange(recovery.GetProperty("epoch").GetInt32(), 1, int.MaxValue);
        Assert.Equal(1, outcome.Done.GetProperty("recoveries").GetInt32());
    }

    [SkippableFact]
    public async Task Serve_EveryNodeRestartedInTurn_FailsNoGeneration()
    {
        Skip.If(OperatingSystem.IsWindows(), "signals are sent on Unix only");
        IReadOnlyList<(GenerationOutcome Outcome, bool IsIdentical)> all = await RollingRestart.RunAsync(2, "0:15", "15:30", "0:15", "15:30");
        Assert.NotEmpty(all);
        Assert.All(all, one => Assert.True(one.IsIdentical, one.Outcome.Failure));
    }

    [SkippableFact]
    public async Task Generate_HopVanishesFromTheNetwork_GivesTheTextOfOneProcess()
    {
        NetworkSupport.SkipUnlessAllowed();
        string expected = await TokensOfOneProcessAsync(Story);
        await using DistantChain chain = await DistantChain.StartAsync("0:10", "10:20", "20:30", "10:20");
        chain.Network.SetAll(new LinkConditions(TimeSpan.FromMilliseconds(5)));
        await using WatchedGeneration generation = chain.Generate(Story);
        string middle = (await generation.WaitForRouteAsync())[1];
        await generation.WaitForEventsAsync("token", 20);
        chain.Network.Cut(chain.Network.Hosts[chain.Fleet.Nodes.ToList().IndexOf(chain.Fleet.ByPeer(middle))]);
        GenerationOutcome outcome = await generation.FinishAsync();
        Assert.True(outcome.IsDone, outcome.Failure);
        Assert.Equal(expected, outcome.Tokens);
        Assert.Equal(0, outcome.RecomputedDownstreamTokens);
        Assert.Equal("PeerStalled", Assert.Single(outcome.Recoveries).GetProperty("reason").GetString());
    }

    [SkippableFact]
    public async Task Generate_HopsFarApart_CostsATokenOneWayMoreThanHops()
    {
        NetworkSupport.SkipUnlessAllowed();
        await using DistantChain chain = await DistantChain.StartAsync("0:10", "10:20", "20:30");
        TimeSpan delay = TimeSpan.FromMilliseconds(100);
        chain.Network.SetAll(new LinkConditions(delay));
        GenerationOutcome outcome = await chain.RunAsync("Once upon a time", "--tokens", "12");

        // By way of the client it would be six delays; what is left below them is room for a busy machine to compute in.
        Assert.InRange(outcome.MedianGap / delay, 4, 5.5);
        Assert.All(outcome.Done.GetProperty("hops").EnumerateArray(), hop => Assert.True(hop.GetProperty("forwardedDirectly").GetInt64() >= 11));
    }

    private static async Task<string> TokensOfOneProcessAsync(string[] arguments)
    {
        SwarmResult local = await SwarmProcess.RunAsync(["generate", "--local", "--json", .. arguments]);
        Assert.True(local.ExitCode == 0, local.Error);
        return local.Last().GetProperty("tokens").GetRawText();
    }
}
