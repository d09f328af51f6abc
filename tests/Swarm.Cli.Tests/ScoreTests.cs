using System.Text.Json;
using Swarm.Testing;
using Swarm.Testing.Processes;

namespace Swarm.Cli.Tests;

public sealed class ScoreTests
{
    [SkippableFact]
    public async Task Golden_FirstTokens_LossWithinOnePercent()
    {
        using JsonDocument golden = JsonDocument.Parse(File.ReadAllBytes(TestData.SharedOrSkip("golden/smollm2/perplexity.json")));
        JsonElement text = golden.RootElement.EnumerateObject().First().Value;
        const int tokens = 96;
        string ids = string.Join(',', text.GetProperty("ids").EnumerateArray().Take(tokens));
        double expected = text.GetProperty("nll").EnumerateArray().Take(tokens - 1).Average(loss => loss.GetDouble());
        SwarmResult result = await SwarmProcess.RunAsync(["score", "--local", "--ids", ids, "--json"]);
        Assert.True(result.ExitCode == 0, result.Error);
        JsonElement done = result.Last();
        Assert.Equal(tokens, done.GetProperty("tokens").GetInt32());
        Assert.Equal(tokens - 1, done.GetProperty("loss").GetArrayLength());
        Assert.Equal(expected, done.GetProperty("meanLoss").GetDouble(), expected * 0.01);
        Assert.Equal(Math.Exp(done.GetProperty("meanLoss").GetDouble()), done.GetProperty("perplexity").GetDouble(), 1e-6);
    }

    [Fact]
    public async Task Ends_AreNoMatterOfScoring()
    {
        SwarmResult result = await SwarmProcess.RunAsync(["score", "--local", "--ids", "1,2", "--ends", "swarm"]);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("--ends", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RoundAt_WithALossyCodec_ChangesTheLossALittle()
    {
        string[] text = ["score", "--local", "--text", "The quick brown fox jumps over the lazy dog.", "--json"];
        double exact = (await SwarmProcess.RunAsync(text)).Last().GetProperty("meanLoss").GetDouble();
        double rounded = (await SwarmProcess.RunAsync([.. text, "--codec", "int8", "--round-at", "10,20"])).Last().GetProperty("meanLoss").GetDouble();
        Assert.NotEqual(exact, rounded);
        Assert.Equal(exact, rounded, 0.1);
    }

    [Fact]
    public async Task Hidden_AndWithout_GiveTheSameLogits()
    {
        using TemporaryFolder folder = new();
        string[] text = ["score", "--local", "--model", "random:4MiB:q8_0", "--ids", "1,2,3,4,5,6,7", "--codec", "f16", "--round-at", "3", "--json", "--logits"];
        SwarmResult plain = await SwarmProcess.RunAsync([.. text, folder.File("plain")]);
        SwarmResult hidden = await SwarmProcess.RunAsync([.. text, folder.File("hidden"), "--hidden"]);
        Assert.True(plain.ExitCode == 0, plain.Error);
        Assert.True(hidden.ExitCode == 0, hidden.Error);
        Assert.Equal(plain.Last().GetProperty("loss").GetRawText(), hidden.Last().GetProperty("loss").GetRawText());
        Assert.True(new FileInfo(folder.File("hidden")).Length > new FileInfo(folder.File("plain")).Length);
    }

    [Fact]
    public async Task Logits_OfATextThatCannotBeScored_LeavesTheFileThatIsThere()
    {
        using TemporaryFolder folder = new();
        string path = folder.File("mine");
        File.WriteAllText(path, "precious");
        SwarmResult result = await SwarmProcess.RunAsync(["score", "--local", "--model", "random:4MiB:q8_0", "--ids", "1,99999999", "--logits", path]);
        Assert.Equal(1, result.ExitCode);
        Assert.Equal("precious", File.ReadAllText(path));
    }

    [Theory]
    [InlineData("ContextExceeded", 1, "--ids", "1,2,3", "--context", "2")]
    [InlineData("InvalidArgument", 1, "--ids", "1,99999999")]
    [InlineData("InvalidArgument", 1, "--text", "")]
    [InlineData("Usage", 2, "--ids", "1", "--hidden")]
    [InlineData("Usage", 2, "--ids", "1", "--text", "a")]
    [InlineData("FileError", 1, "--file", "/nowhere/at/all")]
    public async Task Input_ThatCannotBeScored_HasItsCode(string code, int exitCode, params string[] arguments)
    {
        SwarmResult result = await SwarmProcess.RunAsync(["score", "--local", "--json", .. arguments]);
        Assert.Equal(exitCode, result.ExitCode);
        Assert.Equal(code, result.Last().GetProperty("code").GetString());
    }
}
