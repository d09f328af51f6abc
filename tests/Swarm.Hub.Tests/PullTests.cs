using Swarm.Models;
using Swarm.Testing.Hub;
using static Swarm.Hub.Tests.HubFixture;

namespace Swarm.Hub.Tests;

public sealed class PullTests
{
    private static readonly HubReference Model = HubReference.Parse(Repository);

    [Fact]
    public async Task Pull_Safetensors_LaysFilesOutAsOtherProgramsDo()
    {
        await using HubFixture at = await HubFixture.StartAsync();
        Dictionary<string, byte[]> files = ShardedLlama.Files(blocks: 3);
        files.Add("pytorch_model.bin", Noise(5000));
        files.Add("README.md", Noise(10));
        string commit = at.Hub.Add(Repository, files);

        PulledModel pulled = await at.Open().PullAsync(Model);

        string snapshot = Path.Combine(at.Folder, "snapshots", commit);
        Assert.Equal(snapshot, pulled.Path);
        Assert.Equal(commit, File.ReadAllText(Path.Combine(at.Folder, "refs", "main")));
        Assert.Equal(5, pulled.Files);
        Assert.False(File.Exists(Path.Combine(snapshot, "pytorch_model.bin")));
        foreach ((string name, byte[] bytes) in files.Where(file => file.Key is not ("pytorch_model.bin" or "README.md")))
        {
            var file = new FileInfo(Path.Combine(snapshot, name));
            Assert.Equal("../../blobs/" + at.Hub.TagOf(bytes), file.LinkTarget);
            Assert.Equal(bytes, File.ReadAllBytes(file.FullName));
        }

        Assert.DoesNotContain(at.StoredFiles(), file => file.Contains("ranges", StringComparison.Ordinal) || file.Contains(commit, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Pull_Again_TransfersNothingButTheList()
    {
        await using HubFixture at = await HubFixture.StartAsync();
        at.Hub.Add(Repository, ShardedLlama.Files(blocks: 3));
        await at.Open().PullAsync(Model);
        int before = at.Hub.Requests.Count;
        long sent = at.Hub.BytesSent;

        PulledModel again = await at.Open().PullAsync(Model);

        Assert.Equal(before + 1, at.Hub.Requests.Count);
        Assert.Equal(sent, at.Hub.BytesSent);
        Assert.True(again.TransferredBytes == 0, $"{again.TransferredBytes} bytes");
    }

    [Fact]
    public async Task Pull_OtherHost_NeverSeesTheToken()
    {
        await using HubFixture at = await HubFixture.StartAsync();
        at.Hub.Add(Repository, ShardedLlama.Files(blocks: 3), gated: true);

        await at.Open(options => options with { Token = TestHub.Token }).PullAsync(Model);

        Assert.Contains(at.Hub.Requests, request => !request.AtHub);
        Assert.All(at.Hub.Requests, request => Assert.Equal(request.AtHub ? "Bearer " + TestHub.Token : null, request.Authorization));
    }

    [Fact]
    public async Task Pull_LargeFile_ComesInPiecesOverSeveralConnections()
    {
        await using HubFixture at = await HubFixture.StartAsync();
        byte[] bytes = Noise(5_000_000);
        at.Hub.Add(Repository, new Dictionary<string, byte[]> { ["m.gguf"] = bytes });

        PulledModel pulled = await at.Open().PullAsync(Model);

        Assert.Equal(bytes, File.ReadAllBytes(pulled.Path));
        Assert.Equal(5, at.Hub.Requests.Count(request => !request.AtHub && request.Range is not null));
        Assert.Equal(bytes.Length, at.Hub.BytesSent);
    }

    [Theory]
    [InlineData(HubFault.Break)]
    [InlineData(HubFault.BreakAtOnce)]
    [InlineData(HubFault.Short)]
    [InlineData(HubFault.NoRanges)]
    [InlineData(HubFault.Expired)]
    public async Task Pull_TransferThatBreaks_GoesOn(HubFault fault)
    {
        await using HubFixture at = await HubFixture.StartAsync();
        byte[] bytes = Noise(3_000_000);
        at.Hub.Add(Repository, new Dictionary<string, byte[]> { ["m.gguf"] = bytes });
        at.Hub.Misbehave(fault, times: 3);

        PulledModel pulled = await at.Open(options => options with { Connections = 1 }).PullAsync(Model);

        Assert.Equal(bytes, File.ReadAllBytes(pulled.Path));
        Assert.True(at.Hub.BytesSent <= bytes.Length + 200_000 || fault == HubFault.NoRanges, $"{at.Hub.BytesSent} bytes for {bytes.Length}: what came was asked for again");
    }

    [Theory]
    [InlineData(HubFault.WrongByte, ModelError.ChecksumMismatch)]
    [InlineData(HubFault.TooLong, ModelError.ChecksumMismatch)]
    [InlineData(HubFault.Changed, ModelError.ChecksumMismatch)]
    [InlineData(HubFault.RangeNotSatisfiable, ModelError.ChecksumMismatch)]
    public async Task Pull_WrongBytes_AreRefusedAndNothingHasTheFinalName(HubFault fault, ModelError error)
    {
        await using HubFixture at = await HubFixture.StartAsync();
        byte[] bytes = Noise(300_000);
        string commit = at.Hub.Add(Repository, new Dictionary<string, byte[]> { ["m.gguf"] = bytes });
        at.Hub.Misbehave(fault);

        ModelException exception = await FailsAsync(error, () => at.Open().PullAsync(Model));

        Assert.Contains(fault == HubFault.RangeNotSatisfiable ? "416" : "m.gguf", exception.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(at.Folder, "snapshots", commit, "m.gguf")));
        Assert.False(Directory.Exists(Path.Combine(at.Folder, "blobs")) && Directory.EnumerateFiles(Path.Combine(at.Folder, "blobs")).Any());
        Assert.Equal(bytes, File.ReadAllBytes((await at.Open().PullAsync(Model)).Path));
    }

    [Fact]
    public async Task Pull_WrongByteInSmallFile_IsFoundByGitsChecksum()
    {
        await using HubFixture at = await HubFixture.StartAsync();
        Dictionary<string, byte[]> files = ShardedLlama.Files(blocks: 1, shards: 1);
        at.Hub.Add(Repository, files);
        at.Hub.Misbehave(HubFault.WrongByte);

        ModelException exception = await FailsAsync(ModelError.ChecksumMismatch, () => at.Open(options => options with { Connections = 1 }).PullAsync(Model));

        Assert.Contains("config.json", exception.Message, StringComparison.Ordinal);
        Assert.Contains(at.Hub.TagOf(files["config.json"]), exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pull_Interrupted_ResumesWithoutBringingAnythingTwice()
    {
        await using HubFixture at = await HubFixture.StartAsync();
        byte[] bytes = Noise(4 << 20);
        at.Hub.Add(Repository, new Dictionary<string, byte[]> { ["m.gguf"] = bytes });
        using var interrupt = new CancellationTokenSource();
        HubStore store = at.Open(options => options with { Connections = 1 });

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => store.PullAsync(
            Model,
            progress =>
            {
                if (progress.FileBytes >= 2 << 20)
                    interrupt.Cancel();
            },
            interrupt.Token));
        string[] kept = at.StoredFiles();
        long first = at.Hub.BytesSent;
        long shown = 0;
        PulledModel pulled = await at.Open().PullAsync(Model, progress => shown = progress.Of);

        Assert.DoesNotContain(kept, file => file.EndsWith(".incomplete", StringComparison.Ordinal) || file.StartsWith("blobs/", StringComparison.Ordinal));
        Assert.Equal(bytes, File.ReadAllBytes(pulled.Path));
        Assert.InRange(shown, 1, (2 << 20) + 1);
        Assert.InRange(at.Hub.BytesSent - first, 1, (2 << 20) + 1);
    }

    [Fact]
    public async Task Pull_BranchMovedMeanwhile_TakesTheNewCommitAndKeepsEqualParts()
    {
        await using HubFixture at = await HubFixture.StartAsync();
        byte[] same = Noise(2 << 20);
        at.Hub.Add(Repository, new Dictionary<string, byte[]> { ["m.gguf"] = same, ["x.txt"] = [1] });
        using var interrupt = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => at.Open(options => options with { Connections = 1 }).PullAsync(Model, _ => interrupt.Cancel(), interrupt.Token));
        string moved = at.Hub.Add(Repository, new Dictionary<string, byte[]> { ["m.gguf"] = same, ["x.txt"] = [2] });
        long of = 0;

        PulledModel pulled = await at.Open().PullAsync(Model, progress => of = progress.Of);

        Assert.Equal(moved, pulled.Commit);
        Assert.InRange(of, 1, same.Length - 1);
        Assert.Equal(same, File.ReadAllBytes(pulled.Path));
    }

    [Fact]
    public async Task Pull_Gated_TellsWhereToAcceptAndThatATokenIsNeeded()
    {
        await using HubFixture at = await HubFixture.StartAsync();
        at.Hub.Add(Repository, ShardedLlama.Files(blocks: 1), gated: true);

        ModelException exception = await FailsAsync(ModelError.Gated, () => at.Open().PullAsync(Model));

        Assert.Contains($"{at.Hub.Endpoint}{Repository}", exception.Message, StringComparison.Ordinal);
        Assert.Contains("HF_TOKEN", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pull_WrongToken_IsUnauthorized()
    {
        await using HubFixture at = await HubFixture.StartAsync();
        at.Hub.Add(Repository, ShardedLlama.Files(blocks: 1));

        ModelException exception = await FailsAsync(ModelError.Unauthorized, () => at.Open(options => options with { Token = "hf_other" }).PullAsync(Model));

        Assert.Contains("HF_TOKEN", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hf_other", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pull_NameThatIsNotThere_TellsTheNearest()
    {
        await using HubFixture at = await HubFixture.StartAsync();
        at.Hub.Add(Repository, ShardedLlama.Files(blocks: 1));

        ModelException exception = await FailsAsync(ModelError.ModelNotFound, () => at.Open().PullAsync(HubReference.Parse("maker/modle")));

        Assert.Contains("nearest names are maker/model", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pull_RevisionThatIsNotThere_IsNamed()
    {
        await using HubFixture at = await HubFixture.StartAsync();
        at.Hub.Add(Repository, ShardedLlama.Files(blocks: 1));

        ModelException exception = await FailsAsync(ModelError.ModelNotFound, () => at.Open().PullAsync(HubReference.Parse(Repository + "@v9")));

        Assert.Contains("no such revision", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pull_Commit_IsThatOne()
    {
        await using HubFixture at = await HubFixture.StartAsync();
        string first = at.Hub.Add(Repository, new Dictionary<string, byte[]> { ["m.gguf"] = Noise(2000, 1) });
        at.Hub.Add(Repository, new Dictionary<string, byte[]> { ["m.gguf"] = Noise(2000, 2) });

        PulledModel pulled = await at.Open().PullAsync(HubReference.Parse($"{Repository}@{first}"));

        Assert.Equal(Noise(2000, 1), File.ReadAllBytes(pulled.Path));
        Assert.False(File.Exists(Path.Combine(at.Folder, "refs", "main")));
    }

    [Theory]
    [InlineData(429)]
    [InlineData(503)]
    public async Task Pull_BusyHub_IsAskedAgain(int status)
    {
        await using HubFixture at = await HubFixture.StartAsync();
        at.Hub.Add(Repository, new Dictionary<string, byte[]> { ["m.gguf"] = Noise(2000) });
        at.Hub.Refuse(status, times: 2, TimeSpan.Zero);

        await at.Open().PullAsync(Model);

        Assert.True(at.Hub.Requests.Count >= 5, $"{at.Hub.Requests.Count} requests");
    }

    [Fact]
    public async Task Pull_HubThatAsksForAnHour_IsNotWaitedFor()
    {
        await using HubFixture at = await HubFixture.StartAsync();
        at.Hub.Add(Repository, new Dictionary<string, byte[]> { ["m.gguf"] = Noise(2000) });
        at.Hub.Refuse(429, times: 99, TimeSpan.FromHours(1));

        ModelException exception = await FailsAsync(ModelError.HubUnreachable, () => at.Open().PullAsync(Model));

        Assert.Contains("3600 s", exception.Message, StringComparison.Ordinal);
        Assert.Single(at.Hub.Requests);
    }

    [Fact]
    public async Task Pull_HubThatFailsForever_IsGivenUp()
    {
        await using HubFixture at = await HubFixture.StartAsync();
        at.Hub.Add(Repository, new Dictionary<string, byte[]> { ["m.gguf"] = Noise(2000) });
        at.Hub.Misbehave(HubFault.BreakAtOnce, 1000);

        await FailsAsync(ModelError.HubUnreachable, () => at.Open(options => options with { Retries = 3 }).PullAsync(Model));

        Assert.Equal(4, at.Hub.Requests.Count(request => !request.AtHub));
    }

    [Fact]
    public async Task Pull_HubThatStalls_IsAskedAgain()
    {
        await using HubFixture at = await HubFixture.StartAsync();
        at.Hub.Add(Repository, new Dictionary<string, byte[]> { ["m.gguf"] = Noise(2000) });
        at.Hub.Misbehave(HubFault.Stall);
        var time = new Testing.ManualTime();

        Task<PulledModel> pulling = at.Open(options => options with { Time = time, FirstWait = TimeSpan.Zero }).PullAsync(Model);
        await at.Hub.Stalled;
        for (int i = 0; i < 1000 && !pulling.IsCompleted; i++)
        {
            // The clock moves as soon as somebody waits for it.
            time.Advance(TimeSpan.FromSeconds(31));
            await Task.WhenAny(pulling, Task.Delay(20));
        }

        Assert.True(pulling.IsCompleted, "the stalled answer is waited for");
        Assert.Equal(Noise(2000), File.ReadAllBytes((await pulling).Path));
    }

    [Fact]
    public async Task Pull_NobodyListens_IsHubUnreachable()
    {
        await using HubFixture at = await HubFixture.StartAsync();
        HubStore store = at.Open(options => options with { Endpoint = new Uri("http://127.0.0.1:1/") });

        ModelException exception = await FailsAsync(ModelError.HubUnreachable, () => store.PullAsync(Model));

        Assert.Contains("127.0.0.1", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pull_DiskWithoutRoom_IsToldBefore()
    {
        await using HubFixture at = await HubFixture.StartAsync();
        at.Hub.Add(Repository, new Dictionary<string, byte[]> { ["m.gguf"] = Noise(2000) });

        ModelException exception = await FailsAsync(ModelError.DiskFull, () => at.Open(options => options with { FreeBytes = _ => 1999 }).PullAsync(Model));

        Assert.Contains("2000", exception.Message, StringComparison.Ordinal);
        Assert.Equal(0, at.Hub.BytesSent);
    }

    [Fact]
    public async Task Pull_Offline_OpensNoConnection()
    {
        await using HubFixture at = await HubFixture.StartAsync();
        at.Hub.Add(Repository, new Dictionary<string, byte[]> { ["m.gguf"] = Noise(2000) });
        HubStore offline = at.Open(options => options with { Offline = true });

        ModelException exception = await FailsAsync(ModelError.HubUnreachable, () => offline.PullAsync(Model));
        Assert.Empty(at.Hub.Requests);
        Assert.Contains("HF_HUB_OFFLINE", exception.Message, StringComparison.Ordinal);

        await at.Open().PullAsync(Model);
        int requests = at.Hub.Requests.Count;
        Assert.Equal(2000, (await offline.PullAsync(Model)).Bytes);
        Assert.Equal(requests, at.Hub.Requests.Count);
    }

    [Fact]
    public async Task Pull_ListWithoutSizes_IsCompletedByHeaders()
    {
        await using HubFixture at = await HubFixture.StartAsync();
        at.Hub.ListsNamesOnly = true;
        Dictionary<string, byte[]> files = ShardedLlama.Files(blocks: 1);
        at.Hub.Add(Repository, files);

        PulledModel pulled = await at.Open().PullAsync(Model);

        Assert.Equal(files.Values.Sum(bytes => (long)bytes.Length), pulled.Bytes);
        Assert.Contains(at.Hub.Requests, request => request.Method == "HEAD");
    }

    [Fact]
    public async Task Pull_ShardThatTheIndexNamesIsMissing_IsTold()
    {
        await using HubFixture at = await HubFixture.StartAsync();
        Dictionary<string, byte[]> files = ShardedLlama.Files(blocks: 3);
        files.Remove("model-00002-of-00003.safetensors");
        at.Hub.Add(Repository, files);

        await FailsAsync(ModelError.CorruptModel, () => at.Open().PullAsync(Model));
    }

    [Theory]
    [InlineData("../../evil.gguf")]
    [InlineData("/etc/evil.gguf")]
    [InlineData("a//b.gguf")]
    [InlineData("c:evil.gguf")]
    public async Task Pull_FileNameThatLeadsElsewhere_IsRefused(string path)
    {
        await using HubFixture at = await HubFixture.StartAsync();
        at.Hub.Add(Repository, new Dictionary<string, byte[]> { [path] = Noise(2000) });

        await FailsAsync(ModelError.HubUnreachable, () => at.Open().PullAsync(Model));

        Assert.Empty(at.StoredFiles());
    }
}
