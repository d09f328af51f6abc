using Swarm.Models;
using Swarm.Testing.Hub;
using static Swarm.Hub.Tests.HubFixture;

namespace Swarm.Hub.Tests;

public sealed class ShelfTests
{
    private static readonly HubReference Model = HubReference.Parse(Repository);

    [Fact]
    public async Task List_WholeAndPartial_TellsWhatOfEachIsHere()
    {
        await using HubFixture at = await HubFixture.StartAsync();
        Dictionary<string, byte[]> sharded = ShardedLlama.Files();
        long all = sharded.Values.Sum(bytes => (long)bytes.Length);
        at.Hub.Add(Repository, sharded);
        at.Hub.Add("maker/other", new Dictionary<string, byte[]> { ["a.Q8_0.gguf"] = Noise(3000), ["b/a.Q4_0.gguf"] = Noise(2000, 2) });
        HubStore store = at.Open();
        await store.PullAsync(HubReference.Parse("maker/other:Q8_0"));
        using (ModelSource source = (await store.OpenAsync(Model)).Source)
            await source.Tensors.EnsureAsync(source.TensorsOf(new BlockSpan(0, 3)));

        IReadOnlyList<StoredModel> listed = store.List();

        Assert.Equal(["maker/model", "maker/other:Q8_0"], listed.Select(model => model.Name));
        Assert.Equal(all, listed[0].Bytes);
        Assert.InRange(listed[0].BytesHere, all / 11, all / 6);
        Assert.Equal("llama", listed[0].Family);
        Assert.Null(listed[0].Path);
        Assert.Equal((3000, 3000, "Q8_0"), (listed[1].Bytes, listed[1].BytesHere, listed[1].Quantization));
        Assert.True(File.Exists(listed[1].Path));
    }

    [Fact]
    public async Task List_WhatAnotherProgramBrought_IsFoundAndUsed()
    {
        await using HubFixture at = await HubFixture.StartAsync();
        Dictionary<string, byte[]> files = ShardedLlama.Files(blocks: 3);
        string commit = new('c', 40);
        foreach ((string name, byte[] bytes) in files)
        {
            string blob = Path.Combine(at.Folder, "blobs", at.Hub.TagOf(bytes));
            Directory.CreateDirectory(Path.GetDirectoryName(blob)!);
            File.WriteAllBytes(blob, bytes);
            string link = Path.Combine(at.Folder, "snapshots", commit, name);
            Directory.CreateDirectory(Path.GetDirectoryName(link)!);
            File.CreateSymbolicLink(link, "../../blobs/" + at.Hub.TagOf(bytes));
        }

        Directory.CreateDirectory(Path.Combine(at.Folder, "refs"));
        File.WriteAllText(Path.Combine(at.Folder, "refs", "main"), commit);
        HubStore store = at.Open();

        StoredModel listed = Assert.Single(store.List());
        using ModelSource source = (await store.OpenAsync(Model)).Source;

        Assert.Equal(files.Values.Sum(bytes => (long)bytes.Length), listed.BytesHere);
        Assert.Equal(3, source.Config.Blocks);
        Assert.Empty(at.Hub.Requests);
    }

    [Fact]
    public async Task Open_SnapshotThatLacksAShard_IsCompletedByTheHub()
    {
        await using HubFixture at = await HubFixture.StartAsync();
        string commit = at.Hub.Add(Repository, ShardedLlama.Files(blocks: 3));
        await at.Open().PullAsync(Model);
        string shard = Path.Combine(at.Folder, "snapshots", commit, "model-00002-of-00003.safetensors");
        File.Delete(Path.Combine(Path.GetDirectoryName(shard)!, new FileInfo(shard).LinkTarget!));
        long before = at.Hub.BytesSent;

        using ModelSource source = (await at.Open().OpenAsync(Model)).Source;
        await source.Tensors.EnsureAsync(source.Tensors.Tensors);

        Assert.True(File.Exists(shard));
        Assert.Equal(new FileInfo(shard).ResolveLinkTarget(true) is FileInfo { Length: var length } ? length : -1, at.Hub.BytesSent - before);
    }

    [Fact]
    public async Task Remove_OneRevision_LeavesWhatAnotherHasAsWell()
    {
        await using HubFixture at = await HubFixture.StartAsync();
        byte[] shared = Noise(2000, 1);
        string first = at.Hub.Add(Repository, new Dictionary<string, byte[]> { ["a.Q4_0.gguf"] = shared, ["a.Q8_0.gguf"] = Noise(3000, 2) });
        await at.Open().PullAsync(HubReference.Parse($"{Repository}@{first}:Q4_0"));
        await at.Open().PullAsync(HubReference.Parse($"{Repository}@{first}:Q8_0"));
        string second = at.Hub.Add(Repository, new Dictionary<string, byte[]> { ["a.Q4_0.gguf"] = shared, ["a.Q8_0.gguf"] = Noise(4000, 3) });
        await at.Open().PullAsync(HubReference.Parse(Repository + ":Q4_0"));
        await at.Open().PullAsync(HubReference.Parse(Repository + ":Q8_0"));
        HubStore store = at.Open();
        Assert.Equal(4, store.List().Count);

        RemovedModel removed = store.Remove(HubReference.Parse($"{Repository}@{first}"));

        Assert.Equal((first, 2, 3000), (removed.Commit, removed.Files, removed.Bytes));
        Assert.Equal(["maker/model:Q4_0", "maker/model:Q8_0"], store.List().Select(model => model.Name));
        Assert.Equal(shared, File.ReadAllBytes(Path.Combine(at.Folder, "snapshots", second, "a.Q4_0.gguf")));

        Assert.Equal((1, 2000), (store.Remove(HubReference.Parse(Repository + ":Q4_0")) is var one ? one.Files : 0, one.Bytes));
        Assert.Equal(["maker/model:Q8_0"], store.List().Select(model => model.Name));
        store.Remove(Model);
        Assert.False(Directory.Exists(at.Folder));
    }

    [Fact]
    public async Task Remove_PartialModel_LeavesNothing()
    {
        await using HubFixture at = await HubFixture.StartAsync();
        at.Hub.Add(Repository, ShardedLlama.Files(blocks: 6));
        HubStore store = at.Open();
        using (ModelSource source = (await store.OpenAsync(Model)).Source)
            await source.Tensors.EnsureAsync(source.TensorsOf(new BlockSpan(0, 3)));

        RemovedModel removed = store.Remove(Model);

        Assert.True(removed.Bytes > 0 && removed.Files > 3, $"{removed}");
        Assert.False(Directory.Exists(at.Folder));
        ModelException again = Assert.Throws<ModelException>(() => store.Remove(Model));
        Assert.Equal(ModelError.ModelNotFound, again.Error);
    }

    [Fact]
    public async Task Remove_WhileItIsBrought_IsRefused()
    {
        await using HubFixture at = await HubFixture.StartAsync();
        at.Hub.Add(Repository, new Dictionary<string, byte[]> { ["m.gguf"] = Noise(3_000_000) });
        at.Hub.Misbehave(HubFault.Stall);
        using var end = new CancellationTokenSource();
        Task pulling = at.Open().PullAsync(Model, null, end.Token);
        await at.Hub.Stalled;

        Assert.Equal(ModelError.InvalidArgument, Assert.Throws<ModelException>(() => at.Open().Remove(Model)).Error);

        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pulling);
        at.Open().Remove(Model);
        Assert.False(Directory.Exists(at.Folder));
    }

    [Fact]
    public async Task Remove_LinkThatLeadsOutOfTheCache_LeavesItsTarget()
    {
        await using HubFixture at = await HubFixture.StartAsync();
        string outside = Path.Combine(Path.GetDirectoryName(at.Cache)!, "precious.gguf");
        File.WriteAllBytes(outside, Noise(100));
        string link = Path.Combine(at.Folder, "snapshots", new string('d', 40), "m.gguf");
        Directory.CreateDirectory(Path.GetDirectoryName(link)!);
        File.CreateSymbolicLink(link, outside);

        at.Open().Remove(HubReference.Parse($"{Repository}@{new string('d', 40)}"));

        Assert.True(File.Exists(outside));
        Assert.False(Directory.Exists(at.Folder));
    }
}
