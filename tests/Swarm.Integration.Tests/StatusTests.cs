using System.Text.Json;
using Swarm.Testing.Processes;

namespace Swarm.Integration.Tests;

/// <summary><c>swarm status</c> over real nodes.</summary>
public sealed class StatusTests
{
    private static readonly string[] Model = ["--model", "random:8MiB:q8_0"];

    [Fact]
    public async Task Status_Json_ShowsWhoServesWhat()
    {
        await using NodeGroup nodes = await NodeGroup.StartAsync(Model, ["0:10", "8:17"]);
        JsonElement done = await StatusAsync(nodes.Invite);
        Assert.Equal("random:8MiB:q8_0", done.GetProperty("model").GetString());
        Assert.Equal([1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 1, 1, 1, 1, 1, 1, 1], Blocks(done));
        Assert.Equal(["SingleReplica"], Alerts(done));
        Assert.Matches("^[0-9a-f]{64}$", done.GetProperty("swarm").GetString());
        JsonElement[] rows = [.. done.GetProperty("nodes").EnumerateArray()];
        Assert.Equal(nodes.Addresses, rows.Select(row => row.GetProperty("address").GetString()));
        Assert.All(rows, row =>
        {
            Assert.Equal("serving", row.GetProperty("state").GetString());
            Assert.Matches("^[0-9a-f]{64}$", row.GetProperty("peer").GetString());
            Assert.True(row.GetProperty("throughputTokensPerSecond").GetDouble() > 0);
            Assert.True(row.GetProperty("cacheTokensFree").GetInt64() > 0);
            Assert.Equal(0, row.GetProperty("sessions").GetInt32());
            Assert.NotEqual("", row.GetProperty("version").GetString());
            Assert.True(row.GetProperty("roundTripSeconds").GetDouble() > 0);
            Assert.Equal(0, row.GetProperty("lastSeenSeconds").GetDouble());
        });
        Assert.Equal("[8,17]", rows[1].GetProperty("blocks").GetRawText());
    }

    [Fact]
    public async Task Status_AfterANodeWasKilled_DoesNotCountIt()
    {
        await using NodeGroup nodes = await NodeGroup.StartAsync(Model, ["0:17", "5:10"]);
        nodes[1].Kill();
        await nodes[1].WaitForExitAsync();
        JsonElement done = await StatusAsync(nodes.Invite);
        Assert.All(Blocks(done), replicas => Assert.Equal(1, replicas));

        // Its announcement lives on for a while; then it is shown, as what it is.
        JsonElement? dead = done.GetProperty("nodes").EnumerateArray().Where(row => row.GetProperty("address").GetString() == nodes.Addresses[1]).Cast<JsonElement?>().SingleOrDefault();
        if (dead is { } row)
        {
            Assert.Equal("unreachable", row.GetProperty("state").GetString());
            Assert.Equal(JsonValueKind.Null, row.GetProperty("roundTripSeconds").ValueKind);
            Assert.Contains("UnreachableNode", Alerts(done));
        }
    }

    [Fact]
    public async Task Status_OfAModelThatNobodyServes_SaysSo()
    {
        await using NodeGroup nodes = await NodeGroup.StartAsync(Model, ["0:17"]);
        JsonElement done = await StatusAsync(nodes.Invite, "--model", "another");
        Assert.Equal("another", done.GetProperty("model").GetString());
        Assert.Empty(Blocks(done));
        Assert.Equal(["NoNodes"], Alerts(done));
        Assert.Equal("random:8MiB:q8_0", done.GetProperty("models")[0].GetProperty("name").GetString());
    }

    [Fact]
    public async Task Status_Watched_TellsEachLookAndEndsWithDone()
    {
        await using NodeGroup nodes = await NodeGroup.StartAsync(Model, ["0:17"]);
        await using SwarmProcess watch = SwarmProcess.Start(["status", "--watch", "--json", "--join", nodes.Invite]);
        await watch.WaitForEventAsync("status");
        JsonElement second = await watch.WaitForEventAsync("status");
        Assert.Equal(17, Blocks(second).Length);
        watch.Interrupt();
        SwarmResult result = await watch.WaitForExitAsync();
        Assert.Equal(0, result.ExitCode);
        Assert.Equal("done", result.Last().GetProperty("event").GetString());
    }

    [Fact]
    public async Task Status_WhenNobodyAnswers_Exits3()
    {
        string invite;
        await using (NodeGroup nodes = await NodeGroup.StartAsync(Model, ["0:1"]))
            invite = nodes.Invite;
        SwarmResult result = await SwarmProcess.RunAsync(["status", "--json", "--join", invite]);
        Assert.Equal(3, result.ExitCode);
        Assert.Equal("PeerUnreachable", result.Last().GetProperty("code").GetString());
    }

    [Fact]
    public async Task Status_WithoutASwarm_SaysHowToNameOne()
    {
        SwarmResult result = await SwarmProcess.RunAsync(["status", "--json"]);
        Assert.Equal(1, result.ExitCode);
        Assert.Equal("NotAMember", result.Last().GetProperty("code").GetString());
    }

    [Fact]
    public async Task Status_ForPeople_FitsAPipeAndIsPlain()
    {
        await using NodeGroup nodes = await NodeGroup.StartAsync(Model, ["0:17"]);
        SwarmResult result = await SwarmProcess.RunAsync(["status", "--join", nodes.Invite]);
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Contains("11111111111111111\n", result.Output, StringComparison.Ordinal);
        Assert.Contains("! SingleReplica", result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', result.Output);
    }

    private static async Task<JsonElement> StatusAsync(string invite, params string[] arguments)
    {
        SwarmResult result = await SwarmProcess.RunAsync(["status", "--json", "--join", invite, .. arguments]);
        Assert.True(result.ExitCode == 0, result.Error);
        return result.Last();
    }

    private static int[] Blocks(JsonElement status) => [.. status.GetProperty("blocks").EnumerateArray().Select(replicas => replicas.GetInt32())];

    private static string[] Alerts(JsonElement status) => [.. status.GetProperty("alerts").EnumerateArray().Select(alert => alert.GetProperty("code").GetString()!)];
}
