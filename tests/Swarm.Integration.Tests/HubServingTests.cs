using System.Text.Json;
using Swarm.Models;
using Swarm.Testing;
using Swarm.Testing.Hub;
using Swarm.Testing.Processes;

namespace Swarm.Integration.Tests;

/// <summary>A volunteer that has nothing but an invite and the model's name on a hub.</summary>
public sealed class HubServingTests
{
    [Fact]
    public async Task Serve_ModelOfAHub_TransfersItsBlocksAloneAndTheTextIsThatOfOneProcess()
    {
        await using TestHub hub = await TestHub.StartAsync();
        using TemporaryFolder cache = new();
        hub.Add("maker/Smol-GGUF", new Dictionary<string, byte[]> { ["Smol.Q4_1.gguf"] = await File.ReadAllBytesAsync(TestData.DefaultModelFile) });
        Dictionary<string, string> environment = new(StringComparer.Ordinal)
        {
            ["HF_ENDPOINT"] = hub.Endpoint.ToString(), ["HF_HUB_CACHE"] = cache.Path, ["HF_TOKEN"] = "", ["HF_HUB_OFFLINE"] = "",
        };
        (long share, long head) = Sizes(new BlockSpan(20, 30));
        await using NodeGroup founder = await NodeGroup.StartAsync("0:20");
        string[] serve = ["serve", "--json", "--listen", "127.0.0.1:0", "--join", founder.Invite, "--model", "maker/Smol-GGUF:Q4_1", "--blocks", "20:30"];

        await using (SwarmProcess joiner = SwarmProcess.Start(serve, environment))
        {
            JsonElement fetching = await joiner.WaitForEventAsync("fetching");
            Assert.InRange(fetching.GetProperty("totalBytes").GetInt64(), 1, share * 1.02);
            await joiner.WaitForEventAsync("ready");
            Assert.InRange(hub.BytesSent, share, share * 1.02 + head);

            string[] ask = ["The capital of France is", "--tokens", "12", "--json"];
            SwarmResult through = await SwarmProcess.RunAsync(["generate", "--join", founder.Invite, .. ask]);
            SwarmResult local = await SwarmProcess.RunAsync(["generate", "--local", .. ask]);
            Assert.True(through.ExitCode == 0 && local.ExitCode == 0, through.Error + local.Error);
            Assert.Equal(local.Last().GetProperty("text").GetString(), through.Last().GetProperty("text").GetString());
            joiner.Kill();
            await joiner.WaitForExitAsync();
        }

        // Once more, and nothing is asked for that is here.
        int requests = hub.Requests.Count;
        await using SwarmProcess again = SwarmProcess.Start(serve, environment);
        await again.WaitForEventAsync("ready");
        Assert.Equal(requests, hub.Requests.Count);
    }

    private static (long Share, long Head) Sizes(BlockSpan span)
    {
        using ModelSource source = ModelSource.Open(TestData.DefaultModelFile);
        long all = source.Tensors.Tensors.Sum(tensor => tensor.ByteLength);
        return (source.StoredBytes(span), new FileInfo(TestData.DefaultModelFile).Length - all);
    }
}
