using System.Globalization;
using System.Text.Json;
using Swarm.Testing;
using Swarm.Testing.Processes;

namespace Swarm.Cli.Tests;

/// <summary>What the built program says before any command runs.</summary>
public sealed class FrontDoorTests
{
    [Fact]
    public async Task NoArguments_ShowsShortHelp_WritesNothing()
    {
        using TemporaryFolder folder = new();
        string home = folder.File("home");
        SwarmResult result = await SwarmProcess.RunAsync([], environment: new Dictionary<string, string> { ["SWARM_HOME"] = home });
        Assert.Equal(0, result.ExitCode);
        Assert.Contains("swarm invite", result.Output, StringComparison.Ordinal);
        Assert.Equal("", result.Error);
        Assert.False(Directory.Exists(home));
    }

    [Fact]
    public async Task Version_TellsProgramWireAndNumerics()
    {
        SwarmResult result = await SwarmProcess.RunAsync(["--version"]);
        Assert.Equal(0, result.ExitCode);
        Assert.Matches(@"^swarm \d+\.\d+\.\d+, wire \S+, numerics canonical-1\n$", result.Output);
    }

    [Theory]
    [InlineData("nearest is 'invite'", "invte")]
    [InlineData("nearest is '--json'", "invite", "--jsn")]
    [InlineData("nearest is '--home'", "--hom", "x")]
    [InlineData("unexpected 'word'", "invite", "word")]
    [InlineData("--home of 'swarm' lacks its value DIR", "--home")]
    [InlineData("--home of 'swarm invite' is given 2 times", "invite", "--home", "a", "--home", "b")]
    public async Task CommandLine_WithAMistake_SaysItOnOneLineAndExits2(string expected, params string[] arguments)
    {
        SwarmResult result = await SwarmProcess.RunAsync(arguments);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains(expected, result.Error, StringComparison.Ordinal);
        Assert.Single(result.Error.TrimEnd('\n').Split('\n'));
        Assert.Equal("", result.Output);
    }

    [Fact]
    public async Task CommandLine_WithAMistakeAndJson_EndsWithFailed()
    {
        SwarmResult result = await SwarmProcess.RunAsync(["invite", "--jsom", "--json"]);
        Assert.Equal(2, result.ExitCode);
        Assert.Equal("failed", result.Last().GetProperty("event").GetString());
        Assert.Equal("Usage", result.Last().GetProperty("code").GetString());
    }

    [Fact]
    public async Task Configuration_JsonByFileAndByEnvironment_IsHonoured()
    {
        using TemporaryFolder home = new();
        Dictionary<string, string> environment = new() { ["SWARM_HOME"] = home.Path };
        string invite = (await SwarmProcess.RunAsync(["invite", "--new"], environment: environment)).Output;
        Assert.Matches("^swarm1[A-Za-z0-9_-]+\n$", invite);
        Assert.Equal(invite, (await SwarmProcess.RunAsync(["invite"], environment: environment)).Output);

        File.WriteAllText(home.File("swarm.json"), """{ "json": true }""");
        JsonElement done = (await SwarmProcess.RunAsync(["invite"], environment: environment)).Last();
        Assert.Equal(invite.Trim(), done.GetProperty("invite").GetString());
        Assert.Matches("^[0-9a-f]{32}$", done.GetProperty("id").GetString());
        Assert.Matches("^[0-9a-f]{64}$", done.GetProperty("swarm").GetString());
        Assert.Equal(JsonValueKind.Null, done.GetProperty("expires").ValueKind);
        Assert.False(done.GetProperty("public").GetBoolean());

        // The environment stands above the file.
        environment["SWARM_JSON"] = "false";
        Assert.Equal(invite, (await SwarmProcess.RunAsync(["invite"], environment: environment)).Output);
    }

    [Theory]
    [InlineData("takes one of", "--new", "--list")]
    [InlineData("--expires belongs to", "--expires", "3")]
    [InlineData("--expires: '0', expected an integer from 1", "--new", "--expires", "0")]
    [InlineData("--members: 'maybe', expected stay or leave", "--revoke", "abcd", "--members", "maybe")]
    public async Task Invite_FlagsThatDoNotFit_AreUsage(string expected, params string[] arguments)
    {
        using TemporaryFolder home = new();
        Dictionary<string, string> environment = new() { ["SWARM_HOME"] = home.Path };
        await SwarmProcess.RunAsync(["invite", "--new"], environment: environment);
        SwarmResult result = await SwarmProcess.RunAsync(["invite", .. arguments], environment: environment);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains(expected, result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Invite_NewPublicThatEnds_SaysSo()
    {
        using TemporaryFolder home = new();
        Dictionary<string, string> environment = new() { ["SWARM_HOME"] = home.Path };
        JsonElement done = (await SwarmProcess.RunAsync(["invite", "--new", "--public", "--expires", "3", "--json"], environment: environment)).Last();
        Assert.True(done.GetProperty("public").GetBoolean());
        Assert.True(DateTimeOffset.Parse(done.GetProperty("expires").GetString()!, CultureInfo.InvariantCulture) > DateTimeOffset.UtcNow.AddDays(2));
        SwarmResult words = await SwarmProcess.RunAsync(["invite", "--new", "--public"], environment: environment);
        Assert.Contains("without an invite", words.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Configuration_UnknownKey_NamesTheNearest()
    {
        using TemporaryFolder home = new();
        File.WriteAllText(home.File("swarm.json"), """{ "jsom": true }""");
        SwarmResult result = await SwarmProcess.RunAsync(["invite", "--home", home.Path]);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("unknown key 'jsom'; the nearest is 'json'", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Invite_InAnEmptyHome_Fails()
    {
        SwarmResult result = await SwarmProcess.RunAsync(["invite", "--json"]);
        Assert.Equal(1, result.ExitCode);
        Assert.Equal("NotAMember", result.Last().GetProperty("code").GetString());
    }
}
