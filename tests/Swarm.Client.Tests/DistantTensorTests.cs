using Swarm.Kernels.Cpu;
using Swarm.Models;
using Swarm.Models.Blocks;
using Swarm.Node;
using Swarm.Testing;

namespace Swarm.Client.Tests;

/// <summary>Tensors may be elsewhere: whoever loads asks for exactly what it will read.</summary>
public class DistantTensorTests
{
    private static string Model => TestModels.Llama;

    [Fact]
    public async Task LoadAndMove_DistantTensors_BringsThoseOfTheBlocksAndNoMore()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(Model, inMemory: true, new BlockSpan(0, 4));
        (ModelSource source, Func<DistantTensors> store) = Distant();
        NodeHost node = await cluster.AddAsync(cluster.OptionsFor(new BlockSpan(1, 3)) with { Source = source });
        Assert.Equal(Names(source, new BlockSpan(1, 3)), store().Brought);

        await node.MoveAsync(new BlockSpan(2, 4));

        Assert.Equal(Names(source, new BlockSpan(1, 4)), store().Brought);
        NodeFetching[] fetched = [];
        await cluster.Events[1].WaitAsync(seen => (fetched = [.. seen.OfType<NodeFetching>()]).Length > 0, "fetching");
        long block = source.StoredBytes(0);
        Assert.Equal(2 * block, fetched[0].TotalBytes);
        Assert.Equal(block, fetched[^1].TotalBytes);
        Assert.Equal(block, fetched[^1].Bytes);
    }

    [Fact]
    public async Task Generate_EndsElsewhere_AreBroughtWhereTheyAreNeeded()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(Model, inMemory: true, new BlockSpan(0, 2));
        (ModelSource source, Func<DistantTensors> store) = Distant();
        await cluster.AddAsync(cluster.OptionsFor(new BlockSpan(2, 4)) with { Source = source });
        (ModelSource clients, Func<DistantTensors> clientStore) = Distant();
        await using SwarmClient client = await SwarmClient.ConnectAsync(cluster.ClientOptions() with { Source = clients });
        Assert.Equal(Names(clients), clientStore().Brought);
        await using SwarmClient thin = await SwarmClient.ConnectAsync(cluster.ClientOptions() with { Ends = EndsMode.Swarm });

        var options = new GenerationOptions { MaxTokens = 4 };
        GenerationResult local = await client.GenerateAsync([1, 2, 3], options).CompleteAsync();
        GenerationResult swarm = await thin.GenerateAsync([1, 2, 3], options).CompleteAsync();

        Assert.Equal(local.Tokens, swarm.Tokens);
        // The last node applies the head and embeds nothing.
        IEnumerable<string> head = source.TensorsOf(EndParts.Head).Select(tensor => tensor.Name);
        Assert.Equal(head.Concat(Names(source, new BlockSpan(2, 4))).Order(StringComparer.Ordinal), store().Brought);
    }

    [Fact]
    public async Task LoadLocal_DistantTensors_BringsAll()
    {
        (ModelSource source, Func<DistantTensors> store) = Distant();
        long fetched = 0;

        await using LocalModel model = await SwarmClient.OpenLocalAsync(
            new LocalModelOptions { Source = source, Kernels = new CpuKernels(1), Fetched = bytes => fetched = bytes });

        Assert.Equal(source.Tensors.Tensors.Count, store().Brought.Count);
        Assert.Equal(source.Tensors.Tensors.Sum(tensor => tensor.ByteLength), fetched);
    }

    [Fact]
    public async Task Found_DistantTensors_BringsAllToHashThem()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(Model, inMemory: true);
        (ModelSource source, Func<DistantTensors> store) = Distant();

        await cluster.AddAsync(cluster.OptionsFor(new BlockSpan(0, 1)) with { Source = source });

        Assert.Equal(source.Tensors.Tensors.Count, store().Brought.Count);
    }

    private static (ModelSource Source, Func<DistantTensors> Store) Distant()
    {
        DistantTensors? store = null;
        ModelSource source = ModelSource.Open(Model).WithTensors("distant", inner => store = new DistantTensors(inner));
        return (source, () => store!);
    }

    private static IEnumerable<string> Names(ModelSource source) => source.TensorsOf(EndParts.Both).Select(tensor => tensor.Name).Order(StringComparer.Ordinal);

    private static IEnumerable<string> Names(ModelSource source, BlockSpan span) => source.TensorsOf(span).Select(tensor => tensor.Name).Order(StringComparer.Ordinal);
}
