using System.Text.Json;
using Swarm.Testing;
using Swarm.Testing.Processes;

namespace Swarm.Integration.Tests;

/// <summary>Who comes in, with real processes and homes.</summary>
public sealed class InviteTests : IDisposable
{
    private static readonly string[] Serve = ["serve", "--json", "--listen", "127.0.0.1:0", "--model", "random:8MiB:q8_0", "--blocks", "0:17"];
    private static readonly string[] Score = ["score", "--model", "random:8MiB:q8_0", "--ids", "1,2,3", "--json"];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Invite_OfAnotherSwarm_LetsNobodyIn()
    {
        await using SwarmProcess node = SwarmProcess.Start(Serve, Home("founder"));
        string address = (await node.WaitForEventAsync("ready")).GetProperty("address").GetString()!;
        string other = (await InviteAsync("other", "--new")).GetProperty("invite").GetString()!;
        SwarmResult refused = await SwarmProcess.RunAsync([.. Score, "--join", other, "--dial", address]);
        Assert.NotEqual(0, refused.ExitCode);
        Assert.Equal("failed", refused.Last().GetProperty("event").GetString());
        SwarmResult serve = await SwarmProcess.RunAsync([.. Serve, "--join", other, "--dial", address]);
        Assert.NotEqual(0, serve.ExitCode);
    }

    [Fact]
    public async Task Invite_Revoked_ShutsOutWhoCameByItAndKeepsOthers()
    {
        await using SwarmProcess founder = SwarmProcess.Start(Serve, Home("founder"));
        await founder.WaitForEventAsync("ready");
        JsonElement alice = await InviteAsync("founder", "--for", "alice", "--expires", "30");
        Assert.Equal("alice", alice.GetProperty("label").GetString());
        Assert.NotEqual(JsonValueKind.Null, alice.GetProperty("expires").ValueKind);
        string shared = (await InviteAsync("founder")).GetProperty("invite").GetString()!;
        string hers = alice.GetProperty("invite").GetString()!;

        await using SwarmProcess hostile = SwarmProcess.Start([.. Serve, "--join", hers], Home("alice"));
        await hostile.WaitForEventAsync("ready");
        await using SwarmProcess friendly = SwarmProcess.Start([.. Serve, "--join", shared], Home("bob"));
        await friendly.WaitForEventAsync("ready");
        Assert.True((await SwarmProcess.RunAsync([.. Score, "--join", hers])).ExitCode == 0);

        JsonElement ended = await InviteAsync("founder", "--revoke", alice.GetProperty("id").GetString()![..8]);
        Assert.Equal(alice.GetProperty("id").GetString(), ended.GetProperty("revoked").GetString());
        Assert.Equal("leave", ended.GetProperty("members").GetString());
        Assert.Equal(1, ended.GetProperty("cameBy").GetInt32());
        Assert.True(ended.GetProperty("published").GetInt32() > 0);
        SwarmResult left = await hostile.WaitForExitAsync();
        Assert.Equal(1, left.ExitCode);
        Assert.Equal("NotAMember", left.Last().GetProperty("code").GetString());
        Assert.Equal("NotAMember", (await SwarmProcess.RunAsync([.. Score, "--join", hers])).Last().GetProperty("code").GetString());

        // Others go on.
        SwarmResult served = await SwarmProcess.RunAsync([.. Score, "--join", shared]);
        Assert.True(served.ExitCode == 0, served.Error);
        JsonElement list = await InviteAsync("founder", "--list");
        Assert.Equal(
            ["open", "revoked"], list.GetProperty("invites").EnumerateArray().Select(invite => invite.GetProperty("state").GetString()).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Invite_RevokedWhileMembersStay_KeepsTheNodeAndRefusesNewOnes()
    {
        await using SwarmProcess founder = SwarmProcess.Start(Serve, Home("founder"));
        await founder.WaitForEventAsync("ready");
        JsonElement shown = await InviteAsync("founder");
        string invite = shown.GetProperty("invite").GetString()!;
        await using SwarmProcess member = SwarmProcess.Start([.. Serve, "--join", invite], Home("member"));
        string address = (await member.WaitForEventAsync("ready")).GetProperty("address").GetString()!;

        JsonElement ended = await InviteAsync("founder", "--revoke", shown.GetProperty("id").GetString()!, "--members", "stay");
        Assert.Equal(1, ended.GetProperty("cameBy").GetInt32());
        string next = ended.GetProperty("invite").GetString()!;
        Assert.NotEqual(shown.GetProperty("id").GetString(), ended.GetProperty("id").GetString());
        Assert.Equal("NotAMember", (await SwarmProcess.RunAsync([.. Score, "--join", invite])).Last().GetProperty("code").GetString());
        SwarmResult status = await SwarmProcess.RunAsync(["status", "--json", "--join", next]);
        Assert.True(status.ExitCode == 0, status.Error);
        Assert.Equal(
            "serving", status.Last().GetProperty("nodes").EnumerateArray().Single(node => node.GetProperty("address").GetString() == address).GetProperty("state").GetString());
    }

    [Fact]
    public async Task Revoke_WhereTheRootKeyIsNot_SaysWhoCan()
    {
        await using SwarmProcess founder = SwarmProcess.Start(Serve, Home("founder"));
        string invite = (await founder.WaitForEventAsync("ready")).GetProperty("invite").GetString()!;
        await using SwarmProcess member = SwarmProcess.Start([.. Serve, "--join", invite], Home("member"));
        await member.WaitForEventAsync("ready");
        SwarmResult result = await SwarmProcess.RunAsync(["invite", "--revoke", "abcdef01", "--json"], environment: Home("member"));
        Assert.Equal(1, result.ExitCode);
        Assert.Equal("NotFounder", result.Last().GetProperty("code").GetString());
    }

    [Fact]
    public async Task FirstNode_Leaves_AndOthersComeInByAnyMembersInvite()
    {
        string second;
        await using (SwarmProcess founder = SwarmProcess.Start(Serve, Home("founder")))
        {
            string invite = (await founder.WaitForEventAsync("ready")).GetProperty("invite").GetString()!;
            SwarmProcess member = SwarmProcess.Start([.. Serve, "--join", invite], Home("member"));
            await using (member)
            {
                second = (await member.WaitForEventAsync("ready")).GetProperty("invite").GetString()!;
                founder.Terminate();
                Assert.Equal(0, (await founder.WaitForExitAsync()).ExitCode);
                await using SwarmProcess third = SwarmProcess.Start([.. Serve, "--join", second], Home("third"));
                await third.WaitForEventAsync("ready");
                SwarmResult served = await SwarmProcess.RunAsync([.. Score, "--join", second]);
                Assert.True(served.ExitCode == 0, served.Error);
            }
        }
    }

    [Fact]
    public async Task Serve_TwoAtOnceInAnEmptyHome_FoundOneSwarm()
    {
        await using SwarmProcess one = SwarmProcess.Start(Serve, Home("both"));
        await using SwarmProcess two = SwarmProcess.Start(Serve, Home("both"));
        JsonElement[] ready = [await one.WaitForEventAsync("ready"), await two.WaitForEventAsync("ready")];
        Assert.Single(ready.Select(e => e.GetProperty("swarm").GetString()).Distinct());
        Assert.Equal(2, ready.Select(e => e.GetProperty("peer").GetString()).Distinct().Count());
        SwarmResult status = await SwarmProcess.RunAsync(["status", "--json"], environment: Home("both"));
        Assert.True(status.ExitCode == 0, status.Error);
        Assert.Equal(2, status.Last().GetProperty("nodes").GetArrayLength());
    }

    [Fact]
    public async Task Serve_AnotherDay_IsTheSamePeerOfTheSameSwarm()
    {
        List<string> seen = [];
        for (int day = 0; day < 2; day++)
        {
            await using SwarmProcess node = SwarmProcess.Start(Serve, Home("home"));
            JsonElement ready = await node.WaitForEventAsync("ready");
            seen.Add(ready.GetProperty("peer").GetString() + ready.GetProperty("swarm").GetString());
            node.Terminate();
            await node.WaitForExitAsync();
        }

        Assert.Equal(seen[0], seen[1]);
    }

    [Fact]
    public async Task Serve_PublicInAPrivateHome_IsRefused()
    {
        await InviteAsync("home", "--new");
        SwarmResult result = await SwarmProcess.RunAsync([.. Serve, "--public"], environment: Home("home"));
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("is private", result.Error, StringComparison.Ordinal);
    }

    private Dictionary<string, string> Home(string name) => new() { ["SWARM_HOME"] = _folder.File(name) };

    private async Task<JsonElement> InviteAsync(string home, params string[] arguments)
    {
        SwarmResult result = await SwarmProcess.RunAsync(["invite", "--json", .. arguments], environment: Home(home));
        Assert.True(result.ExitCode == 0, result.Error);
        return result.Last();
    }
}
