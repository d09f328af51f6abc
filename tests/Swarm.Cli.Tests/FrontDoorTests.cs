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
        File.WriteAllText(home.File("invite"), "swarm1abc\n");
        Dictionary<string, string> environment = new() { ["SWARM_HOME"] = home.Path };
        Assert.Equal("swarm1abc\n", (await SwarmProcess.RunAsync(["invite"], environment: environment)).Output);

        File.WriteAllText(home.File("swarm.json"), """{ "json": true }""");
        JsonElement done = (await SwarmProcess.RunAsync(["invite"], environment: environment)).Last();
        Assert.Equal("swarm1abc", done.GetProperty("invite").GetString());

        // The environment stands above the file.
        environment["SWARM_JSON"] = "false";
        Assert.Equal("swarm1abc\n", (await SwarmProcess.RunAsync(["invite"], environment: environment)).Output);
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
