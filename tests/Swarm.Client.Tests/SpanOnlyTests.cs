using Swarm.Kernels;
using Swarm.Kernels.Cpu;
using Swarm.Models;
using Swarm.Models.Blocks;
using Swarm.Node;
using Swarm.Testing;

namespace Swarm.Client.Tests;

/// <summary>A node reads, and needs to have, the tensors of its own blocks alone.</summary>
public sealed class SpanOnlyTests
{
    private const int Blocks = 30;
    private const int Shards = 6;

    [Theory]
    [InlineData(null)]
    [InlineData(WeightFormat.Q8_0)]
    public async Task Join_TenOfThirtyBlocksOfAShardedModel_ReadsItsShareAlone(WeightFormat? weights)
    {
        using TemporaryFolder whole = new(), part = new();
        WriteModel(whole);

        // Blocks 10:20 lie in the third and fourth shard of five blocks each; the others are not on the joiner's disk.
        foreach (string file in new[] { "config.json", "model.safetensors.index.json", Shard(2), Shard(3) })
            File.Copy(whole.File(file), part.File(file));
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(whole.Path, inMemory: true);
        NodeOptions first = cluster.OptionsFor(new BlockSpan(0, Blocks));
        await cluster.AddAsync(first with { Source = first.Source.WithWeights(weights) });
        ModelSource source = ModelSource.Open(part.Path);
        var span = new BlockSpan(10, 20);
        NodeHost joined = await cluster.AddAsync(cluster.OptionsFor(span) with { Source = source });

        Assert.Equal(span, joined.Blocks);
        Assert.Equal(source.StoredBytes(span), source.Tensors.BytesRead);
        Assert.InRange(source.Tensors.BytesRead, 1, first.Source.StoredBytes(new BlockSpan(0, Blocks)) * 10 / 30 * 102 / 100);
        Assert.True(cluster.Events[1].Has(happened => happened is NodeReady ready && ready.ReadBytes == source.Tensors.BytesRead));
    }

    [Fact]
    public void Load_BlockOfAShardThatIsNotHere_NamesShardAndTensor()
    {
        using TemporaryFolder whole = new();
        WriteModel(whole);
        File.Delete(whole.File(Shard(4)));
        using ModelSource source = ModelSource.Open(whole.Path);
        using var kernels = new CpuKernels(1);
        using (BlockStack stack = BlockStack.Load(source, new BlockSpan(0, 20), kernels))
            Assert.Equal(20, stack.Span.Count);
        var exception = Assert.Throws<ModelException>(() => BlockStack.Load(source, new BlockSpan(19, 21), kernels));
        Assert.Equal(ModelError.ModelNotFound, exception.Error);
        Assert.Contains("model.layers.20.", exception.Message, StringComparison.Ordinal);
        Assert.Contains(Shard(4), exception.Message, StringComparison.Ordinal);
    }

    private static string Shard(int index) => $"model-{index + 1:D5}-of-{Shards:D5}.safetensors";

    private static void WriteModel(TemporaryFolder folder)
    {
        File.WriteAllText(folder.File("config.json"), """
            {"model_type":"llama","hidden_size":64,"num_attention_heads":4,"num_key_value_heads":2,"num_hidden_layers":30,"intermediate_size":96,"vocab_size":160,
             "rms_norm_eps":1e-5,"tie_word_embeddings":true,"max_position_embeddings":256}
            """);
        var shapes = ModelWriter.Shapes(hidden: 64, keyWidth: 32, feedForward: 96, vocabulary: 160, Blocks, ownHead: false);
        var map = new List<string>();
        for (int shard = 0; shard < Shards; shard++)
        {
            List<(string Name, long[] Shape)> own = [.. shapes.Where(tensor => ShardOf(tensor.Name) == shard)];
            ModelWriter.Write(folder.File(Shard(shard)), own);
            map.AddRange(own.Select(tensor => $"\"{tensor.Name}\":\"{Shard(shard)}\""));
        }

        File.WriteAllText(folder.File("model.safetensors.index.json"), "{\"weight_map\":{" + string.Join(',', map) + "}}");

        static int ShardOf(string name) => name.Split('.') is ["model", "layers", var block, ..]
            ? int.Parse(block, System.Globalization.CultureInfo.InvariantCulture) * Shards / Blocks
            : 0;
    }
}
