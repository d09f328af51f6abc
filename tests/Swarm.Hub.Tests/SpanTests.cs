using System.Security.Cryptography;
using Swarm.Models;
using Swarm.Models.Files;
using Swarm.Testing;
using Swarm.Testing.Hub;
using static Swarm.Hub.Tests.HubFixture;

namespace Swarm.Hub.Tests;

public sealed class SpanTests
{
    private static readonly HubReference Model = HubReference.Parse(Repository);
    private static readonly Dictionary<string, byte[]> Sharded = ShardedLlama.Files();

    [Fact]
    public async Task Ensure_TenOfThirtyBlocks_TransfersTheirShareAndTheHeads()
    {
        await using HubFixture at = await HubFixture.StartAsync();
        at.Hub.Add(Repository, Sharded);
        HubStore store = at.Open();
        using ModelSource source = (await store.OpenAsync(Model)).Source;
        IReadOnlyList<TensorInfo> span = source.TensorsOf(new BlockSpan(12, 22));
        long share = span.Sum(tensor => tensor.ByteLength);
        long heads = at.Hub.BytesSent;
        Assert.InRange(source.Tensors.MissingBytes(span), share * 0.9, share);
        long told = 0;

        await source.Tensors.EnsureAsync(span, bytes => told = bytes);

        Assert.InRange(heads, 1, 200_000);
        Assert.InRange(at.Hub.BytesSent, share, share * 1.02 + heads);
        Assert.InRange(told, 1, share * 1.02);
        byte[] copied = new byte[100];
        Assert.True(source.Tensors.TryCopyStored(span[5], 40, copied));
        Assert.Equal(source.Tensors.Rows(span[5], 0, 1).Slice(40, 100), copied);
        Assert.False(source.Tensors.TryCopyStored(source.TensorsOf(new BlockSpan(25, 26))[5], 0, copied));
        Assert.Equal(0, source.Tensors.MissingBytes(span));
        using ModelSource whole = WholeModel(Sharded, out TemporaryFolder folder);
        using (folder)
        {
            foreach (TensorInfo tensor in span)
            {
                Assert.True(whole.Tensors.TryGet(tensor.Name, out TensorInfo same));
                Assert.Equal(whole.Tensors.Sha256(same), source.Tensors.Sha256(tensor));
            }
        }
    }

    [Fact]
    public async Task Ensure_TenOfThirtyBlocksOfGguf_TransfersTheirShareAndTheHead()
    {
        await using HubFixture at = await HubFixture.StartAsync();
        byte[] bytes = File.ReadAllBytes(TestData.DefaultModelFile);
        at.Hub.Add(Repository, new Dictionary<string, byte[]> { ["SmolLM2.Q4_1.gguf"] = bytes });
        HubStore store = at.Open();
        using ModelSource source = (await store.OpenAsync(HubReference.Parse(Repository + ":q4_1"))).Source;
        using ModelSource whole = ModelSource.Open(TestData.DefaultModelFile);
        long head = whole.Tensors.Tensors.Min(tensor => tensor.Offset);
        IReadOnlyList<TensorInfo> span = source.TensorsOf(new BlockSpan(10, 20));
        long share = span.Sum(tensor => tensor.ByteLength);

        await source.Tensors.EnsureAsync(span);

        Assert.Equal("maker/model:q4_1", source.Name);
        Assert.InRange(at.Hub.BytesSent, share + head, share * 1.02 + head);
        Assert.NotNull(source.Tokenizer);
        Assert.Equal(whole.Config.ToCanonicalBytes(), source.Config.ToCanonicalBytes());
        foreach (TensorInfo tensor in span)
            Assert.Equal(whole.Tensors.Sha256(whole.Tensors.Tensors.Single(same => same.Name == tensor.Name)), source.Tensors.Sha256(tensor));
    }

    [Fact]
    public async Task Ensure_OtherBlocksLater_BringsOnlyWhatLacks()
    {
        await using HubFixture at = await HubFixture.StartAsync();
        at.Hub.Add(Repository, Sharded);
        using (ModelSource first = (await at.Open().OpenAsync(Model)).Source)
            await first.Tensors.EnsureAsync(first.TensorsOf(new BlockSpan(5, 15)));
        long before = at.Hub.BytesSent;

        using ModelSource again = (await at.Open().OpenAsync(Model)).Source;
        long opened = at.Hub.BytesSent;
        int requests = at.Hub.Requests.Count;
        IReadOnlyList<TensorInfo> span = again.TensorsOf(new BlockSpan(8, 18));
        await again.Tensors.EnsureAsync(again.TensorsOf(new BlockSpan(6, 14)));

        Assert.Equal(before, opened);
        Assert.Equal(requests, at.Hub.Requests.Count);
        await again.Tensors.EnsureAsync(span);
        Assert.InRange(at.Hub.BytesSent - before, 1, 3.1 * span.Sum(tensor => tensor.ByteLength) / 10);
    }

    [Fact]
    public async Task Open_PartlyHereAndOffline_NeedsNoHubForWhatIsHere()
    {
        await using HubFixture at = await HubFixture.StartAsync();
        at.Hub.Add(Repository, Sharded);
        using (ModelSource first = (await at.Open().OpenAsync(Model)).Source)
            await first.Tensors.EnsureAsync(first.TensorsOf(new BlockSpan(0, 5)));
        int requests = at.Hub.Requests.Count;

        using ModelSource offline = (await at.Open(options => options with { Offline = true }).OpenAsync(Model)).Source;
        await offline.Tensors.EnsureAsync(offline.TensorsOf(new BlockSpan(0, 5)));
        ModelException exception = await FailsAsync(ModelError.HubUnreachable, () => offline.Tensors.EnsureAsync(offline.TensorsOf(new BlockSpan(5, 6))));

        Assert.Contains("HF_HUB_OFFLINE", exception.Message, StringComparison.Ordinal);
        Assert.Equal(requests, at.Hub.Requests.Count);
    }

    [Fact]
    public async Task Ensure_Everything_MakesVerifiedFilesThatOthersFind()
    {
        await using HubFixture at = await HubFixture.StartAsync();
        string commit = at.Hub.Add(Repository, Sharded);
        using (ModelSource source = (await at.Open().OpenAsync(Model)).Source)
        {
            await source.Tensors.EnsureAsync(source.TensorsOf(new BlockSpan(10, 20)));
            Assert.False(File.Exists(Path.Combine(at.Folder, "refs", "main")));
            Assert.False(File.Exists(Path.Combine(at.Folder, "snapshots", commit, "model-00001-of-00003.safetensors")));
            await source.Tensors.EnsureAsync(source.Tensors.Tensors);
            Assert.Equal(0, source.Tensors.MissingBytes(source.Tensors.Tensors));
        }

        foreach ((string name, byte[] bytes) in Sharded)
            Assert.Equal(SHA256.HashData(bytes), SHA256.HashData(File.ReadAllBytes(Path.Combine(at.Folder, "snapshots", commit, name))));
        Assert.Equal(commit, File.ReadAllText(Path.Combine(at.Folder, "refs", "main")));
        int requests = at.Hub.Requests.Count;
        using ModelSource whole = (await at.Open(options => options with { Offline = true }).OpenAsync(Model)).Source;
        Assert.Equal(Path.Combine(at.Folder, "snapshots", commit), whole.Location);
        Assert.Equal(requests, at.Hub.Requests.Count);
    }

    [Fact]
    public async Task Ensure_FileThatBecomesWholeWithAWrongByte_IsRefusedAndBroughtAnew()
    {
        await using HubFixture at = await HubFixture.StartAsync();
        string commit = at.Hub.Add(Repository, Sharded);
        using ModelSource source = (await at.Open().OpenAsync(Model)).Source;
        at.Hub.Misbehave(HubFault.WrongByte);

        await FailsAsync(ModelError.ChecksumMismatch, () => source.Tensors.EnsureAsync(source.Tensors.Tensors));
        await source.Tensors.EnsureAsync(source.Tensors.Tensors);

        foreach ((string name, byte[] bytes) in Sharded)
            Assert.Equal(bytes, File.ReadAllBytes(Path.Combine(at.Folder, "snapshots", commit, name)));
    }

    [Fact]
    public async Task Open_TwoAtOnce_ShareTheFilesAndBringNothingTwice()
    {
        await using HubFixture at = await HubFixture.StartAsync();
        at.Hub.Add(Repository, Sharded);
        using ModelSource one = (await at.Open().OpenAsync(Model)).Source;
        using ModelSource other = (await at.Open().OpenAsync(Model)).Source;
        long heads = at.Hub.BytesSent;
        IReadOnlyList<TensorInfo> span = one.TensorsOf(new BlockSpan(10, 20));

        await Task.WhenAll(one.Tensors.EnsureAsync(span), other.Tensors.EnsureAsync(span));

        Assert.InRange(at.Hub.BytesSent - heads, 1, span.Sum(tensor => tensor.ByteLength) * 1.02);
        Assert.Equal(one.Tensors.Sha256(span[3]), other.Tensors.Sha256(span[3]));
    }

    [Fact]
    public async Task Pull_AfterASpan_BringsOnlyTheRest()
    {
        await using HubFixture at = await HubFixture.StartAsync();
        at.Hub.Add(Repository, Sharded);
        using (ModelSource source = (await at.Open().OpenAsync(Model)).Source)
            await source.Tensors.EnsureAsync(source.TensorsOf(new BlockSpan(0, 20)));

        await at.Open().PullAsync(Model);

        Assert.Equal(Sharded.Values.Sum(bytes => (long)bytes.Length), at.Hub.BytesSent);
    }

    private static ModelSource WholeModel(Dictionary<string, byte[]> files, out TemporaryFolder folder)
    {
        folder = new TemporaryFolder();
        foreach ((string name, byte[] bytes) in files)
            File.WriteAllBytes(folder.File(name), bytes);
        return ModelSource.Open(folder.Path);
    }
}
