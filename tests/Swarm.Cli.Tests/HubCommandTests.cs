using System.Text.Json;
using Swarm.Client;
using Swarm.Models;
using Swarm.Models.Files;
using Swarm.Protocol.Weights;
using Swarm.Testing;
using Swarm.Testing.Hub;
using Swarm.Testing.Processes;

namespace Swarm.Cli.Tests;

/// <summary>The program against a hub on this machine: pull, models, rm, and a hub's name wherever a model is named.</summary>
public sealed class HubCommandTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private TestHub _hub = null!;

    private Dictionary<string, string> Environment => new(StringComparer.Ordinal)
    {
        ["HF_ENDPOINT"] = _hub.Endpoint.ToString(),
        ["HF_HOME"] = _folder.Path,
        ["HF_HUB_OFFLINE"] = "",
        ["HF_TOKEN"] = "",
        ["HF_HUB_CACHE"] = "",
    };

    public async Task InitializeAsync() => _hub = await TestHub.StartAsync();

    public async Task DisposeAsync()
    {
        await _hub.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Pull_Quantization_ComesOnceAndIsListedAndServedFromTheCache()
    {
        byte[] model = await File.ReadAllBytesAsync(TestData.DefaultModelFile);
        string commit = _hub.Add("maker/Smol-GGUF", new Dictionary<string, byte[]> { ["Smol.Q4_1.gguf"] = model, ["Smol.Q8_0.gguf"] = new byte[5000], ["README.md"] = [1] });

        SwarmResult pulled = await RunAsync("pull", "maker/Smol-GGUF:q4_1", "--json");
        JsonElement done = pulled.Last();
        Assert.Equal("maker/Smol-GGUF:q4_1", done.GetProperty("name").GetString());
        Assert.Equal(model.Length, done.GetProperty("bytes").GetInt64());
        Assert.Equal(commit, done.GetProperty("revision").GetString());
        Assert.EndsWith(Path.Combine("hub", "models--maker--Smol-GGUF", "snapshots", commit, "Smol.Q4_1.gguf"), done.GetProperty("path").GetString(), StringComparison.Ordinal);
        Assert.Contains(pulled.Output.Split('\n'), line => line.Contains("\"event\":\"pulling\"", StringComparison.Ordinal) && line.Contains($"\"of\":{model.Length}", StringComparison.Ordinal));

        long sent = _hub.BytesSent;
        int requests = _hub.Requests.Count;
        SwarmResult tokenized = await RunAsync("tokenize", "--model", "maker/Smol-GGUF", "--text", "Hello", "--json");
        Assert.Equal([19556], tokenized.Last().GetProperty("ids").EnumerateArray().Select(id => id.GetInt32()));
        Assert.Equal(requests, _hub.Requests.Count);
        Assert.Equal(sent, _hub.BytesSent);

        JsonElement listed = Assert.Single((await RunAsync("models", "--json")).Last().GetProperty("models").EnumerateArray(), one => one.GetProperty("source").GetString() == "cache");
        Assert.Equal("maker/Smol-GGUF:Q4_1", listed.GetProperty("name").GetString());
        Assert.Equal("llama", listed.GetProperty("family").GetString());
        Assert.Equal(model.Length, listed.GetProperty("bytesHere").GetInt64());

        JsonElement removed = (await RunAsync("models", "rm", "maker/Smol-GGUF:Q4_1", "--json")).Last();
        Assert.Equal(model.Length, removed.GetProperty("bytes").GetInt64());
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(_folder.Path, "hub"), "*", SearchOption.AllDirectories));
        Assert.DoesNotContain("maker", (await RunAsync("models")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Generate_ModelOfAHub_GivesTheTextOfTheSameFile()
    {
        _hub.Add("maker/Smol-GGUF", new Dictionary<string, byte[]> { ["Smol.Q4_1.gguf"] = await File.ReadAllBytesAsync(TestData.DefaultModelFile) });

        SwarmResult here = await RunAsync("generate", "--local", "--tokens", "8", "The capital of France is", "--json");
        SwarmResult there = await RunAsync("generate", "--local", "--tokens", "8", "The capital of France is", "--model", "maker/Smol-GGUF", "--json");

        Assert.Equal(here.Last().GetProperty("text").GetString(), there.Last().GetProperty("text").GetString());
        Assert.True(_hub.BytesSent > 0);
    }

    [Fact]
    public async Task Inspect_ModelOfAHub_BringsTheHeadAlone()
    {
        byte[] model = await File.ReadAllBytesAsync(TestData.DefaultModelFile);
        _hub.Add("maker/Smol-GGUF", new Dictionary<string, byte[]> { ["Smol.Q4_1.gguf"] = model });

        JsonElement done = (await RunAsync("inspect", "--model", "maker/Smol-GGUF", "--json")).Last();

        Assert.Equal(30, done.GetProperty("blocks").GetArrayLength());
        Assert.Equal(JsonValueKind.Null, done.GetProperty("identity").ValueKind);
        Assert.InRange(_hub.BytesSent, 1, model.Length / 10);
        JsonElement listed = (await RunAsync("models", "--json")).Last().GetProperty("models").EnumerateArray().Single(one => one.GetProperty("source").GetString() == "cache");
        Assert.Equal(model.Length, listed.GetProperty("bytes").GetInt64());
        Assert.Equal(_hub.BytesSent, listed.GetProperty("bytesHere").GetInt64());
        Assert.Equal(JsonValueKind.Null, listed.GetProperty("path").ValueKind);
    }

    [Fact]
    public async Task Pull_Interrupted_EndsWith130AndResumes()
    {
        byte[] model = new byte[70 << 20];
        new Random(3).NextBytes(model);
        _hub.Add("maker/large", new Dictionary<string, byte[]> { ["m.gguf"] = model });
        _hub.Misbehave(HubFault.Stall);
        await using (SwarmProcess pulling = SwarmProcess.Start(["pull", "maker/large", "--json"], Environment))
        {
            await pulling.WaitForEventAsync("pulling");
            await _hub.Stalled;
            pulling.Interrupt();
            SwarmResult result = await pulling.WaitForExitAsync();
            Assert.Equal(130, result.ExitCode);
            Assert.Equal("Interrupted", result.Last().GetProperty("code").GetString());
        }

        JsonElement done = (await RunAsync("pull", "maker/large", "--json")).Last();

        Assert.Equal(model, await File.ReadAllBytesAsync(done.GetProperty("path").GetString()!));
        Assert.True(done.GetProperty("transferredBytes").GetInt64() < model.Length, "nothing was kept");
    }

    [Theory]
    [InlineData("maker/nothing", "ModelNotFound", 1)]
    [InlineData("maker/gated", "Gated", 1)]
    [InlineData("maker/model:Q9_9", "ModelNotFound", 1)]
    [InlineData("nonsense", "InvalidArgument", 1)]
    [InlineData("maker/../x", "InvalidArgument", 1)]
    public async Task Pull_WhatIsWrong_HasAStableCode(string name, string code, int exitCode)
    {
        _hub.Add("maker/gated", new Dictionary<string, byte[]> { ["m.gguf"] = new byte[2000] }, gated: true);
        _hub.Add("maker/model", new Dictionary<string, byte[]> { ["m.Q4_0.gguf"] = new byte[2000], ["m.Q8_0.gguf"] = new byte[2000] });

        SwarmResult result = await SwarmProcess.RunAsync(["pull", name, "--json"], environment: Environment);

        Assert.Equal(exitCode, result.ExitCode);
        Assert.Equal(code, result.Last().GetProperty("code").GetString());
        Assert.Single(result.Error.TrimEnd('\n').Split('\n'));
    }

    [Fact]
    public async Task Offline_OpensNoConnection()
    {
        Dictionary<string, string> offline = Environment;
        offline["HF_HUB_OFFLINE"] = "1";
        _hub.Add("maker/model", new Dictionary<string, byte[]> { ["m.gguf"] = new byte[2000] });

        foreach (string[] arguments in new string[][] { ["pull", "maker/model"], ["inspect", "--model", "maker/model"], ["serve", "--model", "maker/model"], ["models"] })
        {
            SwarmResult result = await SwarmProcess.RunAsync([.. arguments, "--json"], environment: offline);
            Assert.Equal(arguments[0] == "models" ? 0 : 1, result.ExitCode);
            if (arguments[0] != "models")
                Assert.Equal("HubUnreachable", result.Last().GetProperty("code").GetString());
        }

        Assert.Empty(_hub.Requests);
    }

    [Theory]
    [InlineData("smollm2-135m-instruct", "beside")]
    [InlineData("../../etc", "name")]
    [InlineData("/etc/passwd", "name")]
    public async Task Remove_WhatIsNotInTheCache_IsRefused(string name, string _)
    {
        SwarmResult result = await SwarmProcess.RunAsync(["models", "rm", name, "--json"], environment: Environment);

        Assert.Equal(1, result.ExitCode);
        Assert.Equal("InvalidArgument", result.Last().GetProperty("code").GetString());
        Assert.Contains("cache", result.Error, StringComparison.Ordinal);
        Assert.True(File.Exists(TestData.DefaultModelFile));
    }

    [Fact]
    public async Task Models_TensorsOfASwarm_AreListedAndRemoved()
    {
        using TemporaryFolder home = new();
        var blobs = new BlobStore(Path.Combine(home.Path, "tensors"));
        using ModelSource source = ModelSource.Open(TestData.Path("families/llama"));
        ModelManifest manifest = ModelManifest.Create(source.Tensors);
        blobs.Put(manifest.Bytes.Span);
        TensorInfo tensor = source.Tensors.Tensors[0];
        blobs.Put(source.Tensors.Rows(tensor, 0, (int)tensor.Rows));
        string hash = Convert.ToHexStringLower(manifest.Hash.Span);
        new ModelRecord(new string('1', 64), new string('2', 64), "theirs", 4, new string('3', 64), hash).Write(blobs.Folder);
        Dictionary<string, string> environment = new(Environment) { ["SWARM_HOME"] = home.Path };

        JsonElement listed = (await SwarmProcess.RunAsync(["models", "--json"], environment: environment)).Last().GetProperty("models").EnumerateArray().Single(one => one.GetProperty("source").GetString() == "swarm");
        JsonElement removed = (await SwarmProcess.RunAsync(["models", "rm", "theirs", "--json"], environment: environment)).Last();

        Assert.Equal("theirs", listed.GetProperty("name").GetString());
        Assert.Equal(tensor.ByteLength, listed.GetProperty("bytesHere").GetInt64());
        Assert.Equal(tensor.ByteLength + manifest.Bytes.Length, removed.GetProperty("bytes").GetInt64());
        Assert.Null(blobs.Find(manifest.Hash.Span));
        Assert.Empty(ModelRecord.ReadAll(blobs.Folder));
    }

    [Fact]
    public async Task Models_UnknownWord_TellsTheNearest()
    {
        SwarmResult result = await SwarmProcess.RunAsync(["models", "rn", "x/y"], environment: Environment);

        Assert.Equal(2, result.ExitCode);
        Assert.Contains("'rm'", result.Error, StringComparison.Ordinal);
    }

    private async Task<SwarmResult> RunAsync(params string[] arguments)
    {
        SwarmResult result = await SwarmProcess.RunAsync(arguments, environment: Environment);
        Assert.True(result.ExitCode == 0, result.Error);
        return result;
    }
}
