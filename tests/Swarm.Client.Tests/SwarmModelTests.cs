using Swarm.Kernels.Cpu;
using Swarm.Models;
using Swarm.Models.Blocks;
using Swarm.Node;
using Swarm.Protocol;
using Swarm.Protocol.Membership;
using Swarm.Testing;

namespace Swarm.Client.Tests;

/// <summary>A swarm's model without a file of it: its parts come from the nodes that serve it.</summary>
public class SwarmModelTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Join_WithoutAFile_ServesTheSameBitsAndFetchesItsBlocksAlone(bool inMemory)
    {
        using var folder = new TemporaryFolder();
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory, new BlockSpan(0, 4));
        await using LocalModel local = cluster.OpenLocal();
        ModelSource source = await OpenAsync(cluster, folder);
        NodeHost joiner = await cluster.AddAsync(cluster.OptionsFor(new BlockSpan(1, 3)) with { Source = source });
        long share = source.StoredBytes(new BlockSpan(1, 3));
        await cluster.Nodes[0].MoveAsync(new BlockSpan(0, 1));
        // Who joins by the joiner fetches from both: of the last block nobody has more than the founder's file.
        using var second = new TemporaryFolder();
        await cluster.AddAsync(cluster.OptionsFor(new BlockSpan(3, 4)) with { Source = await OpenAsync(cluster, second) });
        ModelSource ends = await OpenAsync(cluster, second);
        await using SwarmClient client = await SwarmClient.ConnectAsync(cluster.ClientOptions() with { Source = ends });

        TestModels.AssertSameBits(await TestModels.LogitsAsync(local), await TestModels.LogitsAsync(client));

        Assert.Equal(share, joiner.TensorBytesReceived);
        Assert.InRange(FolderBytes(folder), share, (long)(share * 1.02) + HeadBytes(source));
        Assert.True(cluster.Nodes[0].TensorBytesSent >= share, $"{cluster.Nodes[0].TensorBytesSent} bytes");
    }

    [Fact]
    public async Task Move_OfAJoinerWithoutAFile_FetchesTheNewBlocksWhileItServes()
    {
        using var folder = new TemporaryFolder();
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, new BlockSpan(0, 4));
        ModelSource source = await OpenAsync(cluster, folder);
        NodeHost joiner = await cluster.AddAsync(cluster.OptionsFor(new BlockSpan(0, 2)) with { Source = source });
        long before = joiner.TensorBytesReceived;

        await joiner.MoveAsync(new BlockSpan(1, 3)).WaitAsync(Patience);

        Assert.Equal(new BlockSpan(1, 3), joiner.Blocks);
        Assert.Equal(source.StoredBytes(2), joiner.TensorBytesReceived - before);
        await joiner.MoveAsync(new BlockSpan(0, 2)).WaitAsync(Patience);
        Assert.Equal(source.StoredBytes(2), joiner.TensorBytesReceived - before);
    }

    [Fact]
    public async Task Start_TensorsAreHereAlready_NothingIsFetchedEvenWithNobodyThere()
    {
        using var folder = new TemporaryFolder();
        SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, new BlockSpan(0, 4));
        var invite = SwarmInvite.Parse(cluster.Invite);
        NodeHost joiner = await cluster.AddAsync(cluster.OptionsFor(new BlockSpan(0, 4)) with { Source = await OpenAsync(cluster, folder) });
        string identity = joiner.ModelIdentity.Hex;
        await cluster.DisposeAsync();

        await using SwarmCluster empty = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true);
        using ModelSource again = await SwarmModel.OpenAsync(Options(empty, folder) with { Invite = invite, Patience = TimeSpan.FromMilliseconds(100) }).WaitAsync(Patience);
        using var kernels = new CpuKernels(1);
        Assert.Equal(identity, ModelIdentity.Compute(again.Config, again.Manifest!, kernels.NumericsClass).Hex);
        Assert.Equal(0, again.Tensors.MissingBytes(again.TensorsOf(new BlockSpan(0, 4))));
        using BlockStack stack = BlockStack.Load(again, new BlockSpan(0, 4), kernels, verify: again.Manifest);
        Assert.Equal(again.StoredBytes(new BlockSpan(0, 4)), stack.BytesRead);
    }

    [Fact]
    public async Task Load_DamagedFileOfATensor_IsRefusedAndFetchedAnew()
    {
        using var folder = new TemporaryFolder();
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, new BlockSpan(0, 4));
        using ModelSource source = await OpenAsync(cluster, folder);
        await source.Tensors.EnsureAsync(source.TensorsOf(new BlockSpan(0, 1))).WaitAsync(Patience);
        string damaged = Directory.GetFiles(folder.Path, "*", SearchOption.AllDirectories).Where(path => Path.GetFileName(path).Length == 64).MaxBy(path => new FileInfo(path).Length)!;
        byte[] bytes = File.ReadAllBytes(damaged);
        bytes[5] ^= 1;
        File.WriteAllBytes(damaged, bytes);
        using var kernels = new CpuKernels(1);

        var error = Assert.Throws<ModelException>(() => BlockStack.Load(source, new BlockSpan(0, 1), kernels, verify: source.Manifest));

        Assert.Equal(ModelError.CorruptModel, error.Error);
        Assert.True(source.Tensors.MissingBytes(source.TensorsOf(new BlockSpan(0, 1))) > 0);
        using ModelSource anew = await OpenAsync(cluster, folder);
        await anew.Tensors.EnsureAsync(anew.TensorsOf(new BlockSpan(0, 1))).WaitAsync(Patience);
        BlockStack.Load(anew, new BlockSpan(0, 1), kernels, verify: anew.Manifest).Dispose();
    }

    [Fact]
    public async Task Open_SameModelAtHand_IsTakenFromDisk()
    {
        using var folder = new TemporaryFolder();
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, new BlockSpan(0, 4));
        ModelSource own = ModelSource.Open(TestModels.Llama);

        using ModelSource same = await SwarmModel.OpenAsync(Options(cluster, folder) with { AtHand = () => own }).WaitAsync(Patience);
        using ModelSource other = await SwarmModel.OpenAsync(Options(cluster, folder) with { AtHand = () => ModelSource.Open(TestData.Path("families/qwen2")) }).WaitAsync(Patience);

        Assert.Same(own, same);
        Assert.Equal("llama", other.Config.Family);
        Assert.NotNull(other.Manifest);
    }

    [Fact]
    public async Task Open_NodesDisagreeAboutTheDescription_NeedsAnInviteThatVouches()
    {
        using var folder = new TemporaryFolder();
        using var files = new TemporaryFolder();
        foreach (string path in Directory.GetFiles(TestModels.Llama))
            File.Copy(path, files.File(Path.GetFileName(path)));
        File.WriteAllText(files.File("chat_template.jinja"), "{{ 'another' }}");
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, new BlockSpan(0, 4));
        SwarmInvite vouching = SwarmInvite.Parse(cluster.Invite);
        Assert.Equal(32, vouching.DescriptionHash.Length);
        SwarmInvite silent = vouching.WithModel(vouching.ModelIdentity, vouching.ModelName);
        // It has the tensors, but another template than the swarm's: it says nothing of its own, and its invites vouch for the swarm's.
        NodeHost other = await cluster.AddAsync(cluster.OptionsForInvite(new BlockSpan(0, 4), silent) with { Source = ModelSource.Open(files.Path) });
        Assert.True(vouching.DescriptionHash.Span.SequenceEqual(SwarmInvite.Parse(other.Invite).DescriptionHash.Span));
        using ModelSource source = await SwarmModel.OpenAsync(Options(cluster, folder) with { Invite = silent }).WaitAsync(Patience);
        Assert.Null(source.ChatTemplateText);

        // An invite that vouches for what nobody hands out.
        SwarmInvite wrong = vouching.WithModel(vouching.ModelIdentity, "x", new byte[32]);
        SwarmException error = await Assert.ThrowsAsync<SwarmException>(() => SwarmModel.OpenAsync(Options(cluster, folder) with { Invite = wrong }).WaitAsync(Patience));
        Assert.Equal(FaultKind.TensorNotHeld, error.Fault);
    }

    [Fact]
    public async Task Open_ModelMadeFromASeed_SaysThatThereIsNothingToHandOut()
    {
        using var folder = new TemporaryFolder();
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Random, inMemory: true, new BlockSpan(0, 1));

        SwarmException error = await Assert.ThrowsAsync<SwarmException>(() => OpenAsync(cluster, folder).WaitAsync(Patience));

        Assert.Equal(FaultKind.TensorNotHeld, error.Fault);
        Assert.Contains("--model", error.Message, StringComparison.Ordinal);
    }

    private static SwarmModelOptions Options(SwarmCluster cluster, TemporaryFolder folder) => new()
    {
        Invite = cluster.Nodes.Count == 0 ? null! : SwarmInvite.Parse(cluster.Invite),
        Folder = folder.Path,
        NumericsClass = Numerics,
        Transport = cluster.NewTransport,
    };

    private static string Numerics
    {
        get
        {
            using var kernels = new CpuKernels(1);
            return kernels.NumericsClass;
        }
    }

    private static Task<ModelSource> OpenAsync(SwarmCluster cluster, TemporaryFolder folder) => SwarmModel.OpenAsync(Options(cluster, folder));

    private static long FolderBytes(TemporaryFolder folder) => new DirectoryInfo(folder.Path).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length);

    // What every joiner has: the manifest, the description, and the note of both.
    private static long HeadBytes(ModelSource source) => source.Manifest!.Bytes.Length + source.Description!.Encode().Length + 1024;
}
