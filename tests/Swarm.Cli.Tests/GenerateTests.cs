using System.Text.Json;
using Swarm.Testing.Processes;

namespace Swarm.Cli.Tests;

public sealed class GenerateTests
{
    [Fact]
    public async Task PromptFromStdin_IsThePromptFromTheArgument()
    {
        SwarmResult argument = await SwarmProcess.RunAsync(["generate", "--local", "Water boils at", "--tokens", "4"]);
        SwarmResult piped = await SwarmProcess.RunAsync(["generate", "--local", "-", "--tokens", "4"], "Water boils at");
        Assert.Equal(0, argument.ExitCode);
        Assert.Equal(argument.Output, piped.Output);
        Assert.Equal(" 100\n", argument.Output);
    }

    [Fact]
    public async Task Json_StreamsRouteTokensDone()
    {
        SwarmResult result = await SwarmProcess.RunAsync(["generate", "--local", "Water boils at", "--tokens", "4", "--json"]);
        IReadOnlyList<JsonElement> events = result.ParseEvents();
        Assert.Equal(["route", "token", "token", "token", "token", "done"], events.Select(e => e.GetProperty("event").GetString()!));
        JsonElement done = events[^1];
        Assert.Equal("length", done.GetProperty("finishReason").GetString());
        Assert.Equal(3, done.GetProperty("promptTokens").GetInt32());
        Assert.Equal([216, 33, 32, 32], done.GetProperty("tokens").EnumerateArray().Select(token => token.GetInt32()));
        Assert.Equal(done.GetProperty("text").GetString(), string.Concat(events.Skip(1).SkipLast(1).Select(e => e.GetProperty("text").GetString())));
        Assert.Equal([3, 4, 5, 6], events.Skip(1).SkipLast(1).Select(e => e.GetProperty("position").GetInt32()));
        Assert.True(done.GetProperty("timeToFirstToken").GetDouble() > 0);
        Assert.Equal(1, done.GetProperty("hops").GetArrayLength());
        Assert.Equal("[0,30]", events[0].GetProperty("hops")[0].GetProperty("blocks").GetRawText());
    }

    [Fact]
    public async Task Stop_EndsBeforeTheText()
    {
        SwarmResult result = await SwarmProcess.RunAsync(["generate", "--local", "Water boils at", "--tokens", "8", "--stop", "zebra", "--stop", "00", "--json"]);
        Assert.Equal("stop", result.Last().GetProperty("finishReason").GetString());
        Assert.Equal(" 1", result.Last().GetProperty("text").GetString());
    }

    [Fact]
    public async Task Seed_SameSeed_GivesTheSameText()
    {
        string[] arguments = ["generate", "--local", "Once upon a time", "--tokens", "6", "--temperature", "1.5", "--json", "--seed"];
        SwarmResult one = await SwarmProcess.RunAsync([.. arguments, "1"]);
        SwarmResult again = await SwarmProcess.RunAsync([.. arguments, "1"]);
        SwarmResult other = await SwarmProcess.RunAsync([.. arguments, "2"]);
        Assert.Equal(one.Last().GetProperty("tokens").GetRawText(), again.Last().GetProperty("tokens").GetRawText());
        Assert.NotEqual(one.Last().GetProperty("tokens").GetRawText(), other.Last().GetProperty("tokens").GetRawText());
        Assert.Equal(2, other.Last().GetProperty("seed").GetInt32());
    }

    [Theory]
    [InlineData("--temperature: 'hot', expected a number from 0 to 100", "--temperature", "hot")]
    [InlineData("--top-p: '1.5', expected a number from 0 to 1", "--top-p", "1.5")]
    [InlineData("--tokens: '0', expected an integer from 1", "--tokens", "0")]
    [InlineData("--codec: 'f31', expected auto, f32, f16, int8", "--codec", "f31")]
    [InlineData("--ends: 'both', expected local or swarm", "--ends", "both")]
    [InlineData("--local and --ends swarm contradict", "--ends", "swarm")]
    [InlineData("nearest is '--tokens'", "--tokns", "5")]
    public async Task Flag_WithAMistake_IsUsage(string expected, params string[] arguments)
    {
        SwarmResult result = await SwarmProcess.RunAsync(["generate", "--local", "Hello", .. arguments]);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains(expected, result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WithoutASwarm_SaysHowToNameOne()
    {
        SwarmResult result = await SwarmProcess.RunAsync(["generate", "Hello", "--json"]);
        Assert.Equal(1, result.ExitCode);
        Assert.Equal("NotAMember", result.Last().GetProperty("code").GetString());
        Assert.Contains("--join", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("swarm1AAAA")]
    [InlineData("neither a file nor an invite")]
    public async Task Join_WithNonsense_IsAnInvalidInvite(string invite)
    {
        SwarmResult result = await SwarmProcess.RunAsync(["generate", "Hello", "--json", "--join", invite]);
        Assert.Equal(1, result.ExitCode);
        Assert.Equal("InvalidInvite", result.Last().GetProperty("code").GetString());
    }

    [Fact]
    public async Task Ends_FromEnvironment_IsReadLikeTheFlag()
    {
        SwarmResult result = await SwarmProcess.RunAsync(
            ["generate", "--local", "Hello"], environment: new Dictionary<string, string> { ["SWARM_ENDS"] = "swarm" });
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("--local and --ends swarm contradict", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Threads_FromEnvironment_AreCheckedLikeTheFlag()
    {
        SwarmResult result = await SwarmProcess.RunAsync(
            ["generate", "--local", "Hello"], environment: new Dictionary<string, string> { ["SWARM_THREADS"] = "none" });
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("SWARM_THREADS: 'none', expected an integer from 1 to 1024", result.Error, StringComparison.Ordinal);
    }
}
