using System.Text.Json;
using Swarm.Kernels;
using Swarm.Models;
using Swarm.Models.Files;
using Swarm.Testing;
using Swarm.Testing.Processes;

namespace Swarm.Integration.Tests;

/// <summary>Processes that come with an invite and nothing else: the model comes from those who have it.</summary>
public sealed class SharedModelTests
{
    private const string Prompt = "The capital of France is";

    [Fact]
    public async Task Serve_ByAnInviteAlone_FetchesItsShareAndTheTextIsThatOfTheFile()
    {
        using var folder = new TemporaryFolder();
        string model = folder.File("other.gguf");
        using (ModelSource source = ModelSource.Open(ModelSource.DefaultName, [Path.Combine(TestData.Root, "models")]))
            GgufRequantizer.Write((GgufFile)source.Tensors, WeightFormat.Q8_0, model);
        await using NodeGroup founder = await NodeGroup.StartAsync(["--model", model, "--threads", "1"], ["10:30"]);
        string home = Directory.CreateDirectory(folder.File("home")).FullName;

        string[] serve = ["serve", "--json", "--listen", "127.0.0.1:0", "--blocks", "0:10", "--threads", "1", "--join", founder.Invite, "--home", home];
        await using (SwarmProcess joiner = SwarmProcess.Start(serve))
        {
            JsonElement fetched = await joiner.WaitForEventAsync("fetching", json => json.GetProperty("bytes").GetInt64() == json.GetProperty("totalBytes").GetInt64(), "all of its blocks");
            await joiner.WaitForEventAsync("ready");
            using ModelSource source = ModelSource.Open(model);
            long share = source.StoredBytes(new BlockSpan(0, 10));
            Assert.Equal(share, fetched.GetProperty("totalBytes").GetInt64());
            long heads = source.Description!.Encode().Length + ModelManifest.Create(source.Tensors).Bytes.Length;
            long kept = new DirectoryInfo(Path.Combine(home, "tensors")).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length);
            Assert.InRange(kept, share, (long)(share * 1.02) + heads);

            // Later its part of the ends comes as well, for a thin client.
            SwarmResult there = await SwarmProcess.RunAsync(["generate", Prompt, "--tokens", "12", "--join", founder.Invite]);
            SwarmResult thin = await SwarmProcess.RunAsync(["generate", Prompt, "--tokens", "12", "--join", founder.Invite, "--ends", "swarm"]);
            SwarmResult here = await SwarmProcess.RunAsync(["generate", Prompt, "--tokens", "12", "--local", "--model", model]);

            Assert.True(there.ExitCode == 0, there.Error);
            Assert.Equal(here.Output, there.Output);
            Assert.Equal(here.Output, thin.Output);
        }

        await using SwarmProcess again = SwarmProcess.Start(serve);
        await again.WaitForEventAsync("ready");
        Assert.DoesNotContain("\"fetching\"", again.OutputSoFar, StringComparison.Ordinal);
    }
}
