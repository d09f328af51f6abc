using System.Text.Json;
using Swarm.Protocol.Membership;
using Swarm.Testing;
using Swarm.Testing.Processes;

namespace Swarm.Integration.Tests;

/// <summary>Three <c>swarm serve</c> processes by hand, and what generates, chats and scores through them.</summary>
public sealed class ServingTests
{
    private static readonly string[] Question = ["--chat", "Name three primary colours.", "--tokens", "12", "--json"];

    [Fact]
    public async Task Generate_ThroughThreeNodes_GivesTheTextOfOneProcess()
    {
        await using NodeGroup nodes = await NodeGroup.StartAsync("0:10", "10:20", "20:30");
        SwarmResult swarm = await SwarmProcess.RunAsync(["generate", "--join", nodes.Invite, .. Question]);
        Assert.True(swarm.ExitCode == 0, swarm.Error);
        SwarmResult local = await SwarmProcess.RunAsync(["generate", "--local", .. Question]);
        Assert.True(local.ExitCode == 0, local.Error);

        JsonElement done = swarm.Last();
        Assert.Equal("done", done.GetProperty("event").GetString());
        Assert.Equal(local.Last().GetProperty("text").GetString(), done.GetProperty("text").GetString());
        Assert.Equal(local.Last().GetProperty("tokens").GetRawText(), done.GetProperty("tokens").GetRawText());
        Assert.Contains("Red", done.GetProperty("text").GetString(), StringComparison.Ordinal);

        // Every decode step went hop to hop: the client relayed nothing.
        JsonElement[] hops = [.. done.GetProperty("hops").EnumerateArray()];
        Assert.Equal(3, hops.Length);
        int steps = done.GetProperty("tokens").GetArrayLength();
        Assert.All(hops, hop => Assert.True(hop.GetProperty("forwardedDirectly").GetInt64() >= steps - 1));
        string[] addresses = [.. done.GetProperty("route").EnumerateArray().Select(hop => hop.GetProperty("address").GetString()!)];
        Assert.Equal(nodes.Addresses, addresses);

        // A thin client: the same text for a few bytes a token.
        SwarmResult thin = await SwarmProcess.RunAsync(["generate", "--join", nodes.Invite, "--ends", "swarm", .. Question]);
        Assert.True(thin.ExitCode == 0, thin.Error);
        Assert.Equal(done.GetProperty("tokens").GetRawText(), thin.Last().GetProperty("tokens").GetRawText());
        Assert.Equal(done.GetProperty("text").GetString(), thin.Last().GetProperty("text").GetString());
        Assert.InRange(Bytes(thin.Last()), 1, Bytes(done) / 20);

        static long Bytes(JsonElement done) => done.GetProperty("wire").GetProperty("sentBytes").GetInt64();
    }

    [Fact]
    public async Task Chat_SecondTurn_PrefillsOnlyItsOwnTokens()
    {
        await using NodeGroup nodes = await NodeGroup.StartAsync("0:15", "15:30");
        SwarmResult chat = await SwarmProcess.RunAsync(
            ["chat", "--join", nodes.Invite, "--tokens", "8", "--json"], "What is the capital of France?\nAnd of Spain?\n/reset\nAnd of Spain?\n");
        Assert.True(chat.ExitCode == 0, chat.Error);
        JsonElement[] turns = [.. chat.ParseEvents().Where(e => e.GetProperty("event").GetString() == "turn")];
        Assert.Equal(3, turns.Length);
        int[] prompt = [.. turns.Select(turn => turn.GetProperty("promptTokens").GetInt32())];
        int[] prefilled = [.. turns.Select(turn => turn.GetProperty("prefilledTokens").GetInt32())];
        Assert.Equal(prompt[0], prefilled[0]);
        Assert.InRange(prefilled[1], 1, prompt[1] - prompt[0]);
        Assert.Equal(prompt[2], prefilled[2]);
    }

    [Fact]
    public async Task Score_ThroughTheSwarm_WritesTheBitsOfOneProcess()
    {
        using TemporaryFolder folder = new();
        await using NodeGroup nodes = await NodeGroup.StartAsync("0:7", "7:30");
        string[] text = ["score", "--text", "The quick brown fox jumps over the lazy dog.", "--hidden", "--json", "--logits"];
        SwarmResult swarm = await SwarmProcess.RunAsync([.. text, folder.File("swarm"), "--join", nodes.Invite, "--chunk", "3"]);
        Assert.True(swarm.ExitCode == 0, swarm.Error);
        SwarmResult local = await SwarmProcess.RunAsync([.. text, folder.File("local"), "--local", "--batch", "2"]);
        Assert.True(local.ExitCode == 0, local.Error);
        Assert.Equal(local.Last().GetProperty("loss").GetRawText(), swarm.Last().GetProperty("loss").GetRawText());
        Assert.True(File.ReadAllBytes(folder.File("local")).AsSpan().SequenceEqual(File.ReadAllBytes(folder.File("swarm"))));
    }

    [Fact]
    public async Task Serve_Terminated_DrainsAndSaysStopped()
    {
        await using NodeGroup nodes = await NodeGroup.StartAsync("0:30");
        nodes[0].Terminate();
        await nodes[0].WaitForEventAsync("draining");
        SwarmResult result = await nodes[0].WaitForExitAsync();
        Assert.Equal(0, result.ExitCode);
        Assert.Equal("stopped", result.Last().GetProperty("event").GetString());
    }

    [Fact]
    public async Task Serve_InAHomeThatFounded_IsFoundWithoutInviteAndComesUpAgain()
    {
        using TemporaryFolder home = new();
        Dictionary<string, string> environment = new() { ["SWARM_HOME"] = home.Path };
        string[] serve = ["serve", "--json", "--listen", "127.0.0.1:0"];
        for (int time = 0; time < 2; time++)
        {
            await using SwarmProcess node = SwarmProcess.Start(serve, environment);
            JsonElement ready = await node.WaitForEventAsync("ready");
            Assert.Equal("[0,30]", ready.GetProperty("blocks").GetRawText());
            SwarmInvite handed = SwarmInvite.Parse(ready.GetProperty("invite").GetString()!);
            SwarmInvite shown = SwarmInvite.Parse((await SwarmProcess.RunAsync(["invite"], environment: environment)).Output);
            Assert.Equal(handed.Id, shown.Id);
            Assert.Contains(handed.Addresses[0], shown.Addresses);
            SwarmResult result = await SwarmProcess.RunAsync(["generate", "Water boils at", "--tokens", "4"], environment: environment);
            Assert.Equal(" 100\n", result.Output);
            node.Terminate();
            Assert.Equal(0, (await node.WaitForExitAsync()).ExitCode);
        }
    }

    [Fact]
    public async Task Serve_SeveralInOneHome_AnyThatIsUpLetsOthersIn()
    {
        using TemporaryFolder home = new();
        Dictionary<string, string> environment = new() { ["SWARM_HOME"] = home.Path };
        string[] serve = ["serve", "--json", "--listen", "127.0.0.1:0", "--model", "random:8MiB:q8_0", "--blocks"];
        string[] score = ["score", "--model", "random:8MiB:q8_0", "--ids", "1,2,3", "--json"];
        await using SwarmProcess founder = SwarmProcess.Start([.. serve, "0:1"], environment);
        await founder.WaitForEventAsync("ready");
        await using (SwarmProcess second = SwarmProcess.Start([.. serve, "0:17"], environment))
        {
            await second.WaitForEventAsync("ready");
            founder.Terminate();
            Assert.Equal(0, (await founder.WaitForExitAsync()).ExitCode);
            SwarmResult result = await SwarmProcess.RunAsync(score, environment: environment);
            Assert.True(result.ExitCode == 0, result.Error);
        }

        // Nobody is up any more; this home founded the swarm, so it may bring it up again.
        await using SwarmProcess again = SwarmProcess.Start([.. serve, "0:17"], environment);
        await again.WaitForEventAsync("ready");
    }

    [Fact]
    public async Task Generate_WhenNobodyOfTheInviteIsUp_SaysWhoWasDialled()
    {
        string invite;
        string address;
        await using (NodeGroup nodes = await NodeGroup.StartAsync("0:1"))
        {
            invite = nodes.Invite;
            address = nodes.Addresses[0];
        }

        SwarmResult result = await SwarmProcess.RunAsync(["generate", "--join", invite, .. Question]);
        Assert.Equal(1, result.ExitCode);
        Assert.Equal("PeerUnreachable", result.Last().GetProperty("code").GetString());
        Assert.Contains(address, result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Generate_WhenANodeIsKilledUnderWayAndNobodyElseServes_NamesTheBlocks()
    {
        await using NodeGroup nodes = await NodeGroup.StartAsync("0:15", "15:30");
        await using SwarmProcess generate = SwarmProcess.Start(
            ["generate", "--join", nodes.Invite, "Once upon a time", "--tokens", "2000", "--grace", "0.5", "--json"]);
        await generate.WaitForEventAsync("token");
        nodes[1].Kill();
        SwarmResult result = await generate.WaitForExitAsync();
        Assert.Equal(3, result.ExitCode);
        Assert.Equal("NoRoute", result.Last().GetProperty("code").GetString());
        Assert.Contains("15:30", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Generate_WithAHoleInTheSwarm_SaysNoRouteAndExits3()
    {
        await using NodeGroup nodes = await NodeGroup.StartAsync("0:10", "20:30");
        SwarmResult result = await SwarmProcess.RunAsync(["generate", "--join", nodes.Invite, .. Question]);
        Assert.Equal(3, result.ExitCode);
        Assert.Equal("NoRoute", result.Last().GetProperty("code").GetString());
        Assert.Contains("10:20", result.Last().GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Generate_PromptOverTheContext_SaysSoBeforeAnythingIsSent()
    {
        await using NodeGroup nodes = await NodeGroup.StartAsync("0:30");
        SwarmResult result = await SwarmProcess.RunAsync(["generate", "--join", nodes.Invite, "--context", "8", .. Question]);
        Assert.Equal(1, result.ExitCode);
        Assert.Equal("ContextExceeded", result.Last().GetProperty("code").GetString());
        Assert.DoesNotContain(result.ParseEvents(), e => e.GetProperty("event").GetString() == "route");
    }

    [Fact]
    public async Task Serve_OfAnotherModel_IsRefusedByName()
    {
        await using NodeGroup nodes = await NodeGroup.StartAsync("0:10");
        SwarmResult result = await SwarmProcess.RunAsync(
            ["serve", "--json", "--listen", "127.0.0.1:0", "--join", nodes.Invite, "--model", "random:8MiB:q8_0", "--blocks", "0:1"]);
        Assert.Equal(1, result.ExitCode);
        Assert.Equal("ModelMismatch", result.Last().GetProperty("code").GetString());
    }

    [Fact]
    public async Task Score_WithAnotherModelThanTheSwarms_IsRefusedByName()
    {
        await using NodeGroup nodes = await NodeGroup.StartAsync("0:1");
        SwarmResult result = await SwarmProcess.RunAsync(["score", "--model", "random:8MiB:q8_0", "--ids", "1,2", "--join", nodes.Invite, "--json"]);
        Assert.Equal(1, result.ExitCode);
        Assert.Equal("ModelMismatch", result.Last().GetProperty("code").GetString());
    }

    [Fact]
    public async Task Score_BatchThroughTheSwarm_GivesTheLossOfOne()
    {
        await using NodeGroup nodes = await NodeGroup.StartAsync(["--model", "random:16MiB:q4_1"], ["0:5", "5:12"]);
        string[] score = ["score", "--model", "random:16MiB:q4_1", "--ids", "3,1,4,1,5,9,2,6,5,3,5,8,9,7,9", "--json", "--codec", "medium"];
        SwarmResult one = await SwarmProcess.RunAsync([.. score, "--join", nodes.Invite]);
        SwarmResult batch = await SwarmProcess.RunAsync([.. score, "--join", nodes.Invite, "--batch", "4", "--chunk", "2"]);
        SwarmResult local = await SwarmProcess.RunAsync([.. score, "--local", "--round-at", "5"]);
        Assert.True(one.ExitCode == 0, one.Error);
        Assert.True(batch.ExitCode == 0, batch.Error);
        Assert.True(local.ExitCode == 0, local.Error);
        Assert.Equal(one.Last().GetProperty("loss").GetRawText(), batch.Last().GetProperty("loss").GetRawText());
        Assert.Equal(one.Last().GetProperty("loss").GetRawText(), local.Last().GetProperty("loss").GetRawText());
    }

    [Fact]
    public async Task Serve_PortInUse_NamesTheAddress()
    {
        await using NodeGroup nodes = await NodeGroup.StartAsync("0:1");
        SwarmResult result = await SwarmProcess.RunAsync(["serve", "--json", "--listen", nodes.Addresses[0], "--blocks", "0:1"]);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains(nodes.Addresses[0], result.Last().GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal("AddressInUse", result.Last().GetProperty("code").GetString());
    }

    [Fact]
    public async Task Serve_BlocksThatDoNotExist_NamesThem()
    {
        SwarmResult result = await SwarmProcess.RunAsync(["serve", "--json", "--listen", "127.0.0.1:0", "--blocks", "25:31"]);
        Assert.Equal(1, result.ExitCode);
        Assert.Equal("InvalidArgument", result.Last().GetProperty("code").GetString());
        Assert.Contains("25:31", result.Last().GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Contains("30", result.Last().GetProperty("message").GetString(), StringComparison.Ordinal);
    }
}
