using System.Text.Json;
using Swarm.Testing;
using Swarm.Testing.Processes;

namespace Swarm.Cli.Tests;

public sealed class InspectTests
{
    [Fact]
    public async Task Inspect_DefaultModel_TellsSizesBlocksAndIdentity()
    {
        SwarmResult result = await SwarmProcess.RunAsync(["inspect", "--json"]);
        Assert.True(result.ExitCode == 0, result.Error);
        JsonElement done = result.Last();
        Assert.Equal("smollm2-135m-instruct", done.GetProperty("name").GetString());
        Assert.Equal("llama", done.GetProperty("family").GetString());
        Assert.Equal(134_515_008, done.GetProperty("parameters").GetInt64());
        Assert.Equal(30, done.GetProperty("blocks").GetArrayLength());
        Assert.Equal(2_216_448, done.GetProperty("blocks")[29].GetProperty("bytes").GetInt64());
        Assert.Matches("^[0-9a-f]{64}$", done.GetProperty("identity").GetString());
    }

    [Fact]
    public async Task Inspect_ModelThatIsNotThere_NamesItAndWhereItWasSought()
    {
        SwarmResult result = await SwarmProcess.RunAsync(["inspect", "--model", "gpt-17", "--json"]);
        Assert.Equal(1, result.ExitCode);
        Assert.Equal("ModelNotFound", result.Last().GetProperty("code").GetString());
        Assert.Contains("gpt-17", result.Error, StringComparison.Ordinal);
        Assert.Single(result.Error.TrimEnd('\n').Split('\n'));
    }

    [Fact]
    public async Task Inspect_TruncatedFile_IsCorrupt()
    {
        using TemporaryFolder folder = new();
        string path = folder.File("cut.gguf");
        using (FileStream whole = File.OpenRead(TestData.DefaultModelFile))
        using (FileStream cut = File.Create(path))
        {
            byte[] head = new byte[4 << 20];
            whole.ReadExactly(head);
            cut.Write(head);
        }

        SwarmResult result = await SwarmProcess.RunAsync(["inspect", "--model", path, "--json"]);
        Assert.Equal(1, result.ExitCode);
        Assert.Equal("CorruptModel", result.Last().GetProperty("code").GetString());
    }
}
