using System.Text.Json;
using Swarm.Models;
using Swarm.Testing;
using Swarm.Testing.Processes;

namespace Swarm.Cli.Tests.Serving;

/// <summary><c>--weights</c> through the program, and what a node reads of its files when it starts again.</summary>
public sealed class WeightsProcessTests
{
    [Fact]
    public async Task Serve_WithWeightsAndAgain_ServesThemAndReadsItsShareTheSecondTime()
    {
        using TemporaryFolder home = new();
        string model = TestData.Path("families/llama");
        string[] serve = ["serve", "--json", "--listen", "127.0.0.1:0", "--model", model, "--blocks", "0:4", "--weights", "q8_0", "--drain-seconds", "0", "--home", home.Path];
        using ModelSource source = ModelSource.Open(model);
        await using (SwarmProcess first = SwarmProcess.Start(serve))
        {
            // The whole file, for the manifest.
            JsonElement ready = await first.WaitForEventAsync("ready");
            Assert.Equal(source.Tensors.Tensors.Sum(tensor => tensor.ByteLength), ready.GetProperty("readBytes").GetInt64());
            Assert.True(ready.GetProperty("weightBytes").GetInt64() < source.StoredBytes(source.Config.AllBlocks) / 3);
            string invite = ready.GetProperty("invite").GetString()!;
            string[] score = ["score", "--ids", "1,2,3,4,5", "--json", "--model", model];
            JsonElement followed = await DoneAsync([.. score, "--join", invite]);
            JsonElement local = await DoneAsync([.. score, "--local", "--weights", "q8_0"]);
            JsonElement stored = await DoneAsync([.. score, "--local"]);
            Assert.Equal(local.GetProperty("loss").GetRawText(), followed.GetProperty("loss").GetRawText());
            Assert.NotEqual(stored.GetProperty("loss").GetRawText(), followed.GetProperty("loss").GetRawText());
            SwarmResult other = await SwarmProcess.RunAsync([.. score, "--join", invite, "--weights", "q4_0"]);
            Assert.Equal(1, other.ExitCode);
            Assert.Equal("ModelMismatch", other.Last().GetProperty("code").GetString());
            Assert.Contains("q4_0", other.Error, StringComparison.Ordinal);

            // The swarm's model by the invite alone comes in its format, and in no other.
            string[] bare = ["score", "--ids", "1,2,3,4,5", "--json", "--join", invite, "--home", Directory.CreateDirectory(home.File("other")).FullName];
            Assert.Equal(followed.GetProperty("loss").GetRawText(), (await DoneAsync(bare)).GetProperty("loss").GetRawText());
            SwarmResult refused = await SwarmProcess.RunAsync([.. bare, "--weights", "q4_0"]);
            Assert.Equal("ModelMismatch", refused.Last().GetProperty("code").GetString());
            Assert.Contains("weights q8_0", refused.Error, StringComparison.Ordinal);
            first.Terminate();
            await first.WaitForExitAsync();
        }

        await using SwarmProcess second = SwarmProcess.Start(serve);
        JsonElement again = await second.WaitForEventAsync("ready");
        Assert.Equal(source.StoredBytes(source.Config.AllBlocks), again.GetProperty("readBytes").GetInt64());
    }

    private static async Task<JsonElement> DoneAsync(string[] arguments)
    {
        SwarmResult result = await SwarmProcess.RunAsync(arguments);
        Assert.True(result.ExitCode == 0, result.Error);
        return result.Last();
    }
}
