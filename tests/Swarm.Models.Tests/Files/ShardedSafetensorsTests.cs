using Swarm.Models.Files;
using Swarm.Testing;

namespace Swarm.Models.Tests.Files;

public sealed class ShardedSafetensorsTests
{
    [Fact]
    public void Open_TwoShards_TensorsOfBoth()
    {
        using var folder = new TemporaryFolder();
        WriteShard(folder, "a.safetensors", ("one", [1, 2]));
        WriteShard(folder, "b.safetensors", ("two", [3]));
        using ShardedSafetensors store = Open(folder, "{\"weight_map\":{\"one\":\"a.safetensors\",\"two\":\"b.safetensors\"}}");
        Assert.Equal([1f, 2f], store.ReadVector("one"));
        Assert.Equal([3f], store.ReadVector("two"));
        Assert.Equal(12, store.BytesTouched);
        store.CheckComplete();
    }

    [Fact]
    public void TryGet_TensorOfAnAbsentShard_NamesTensorAndFileAndTheOthersAreRead()
    {
        using var folder = new TemporaryFolder();
        WriteShard(folder, "a.safetensors", ("one", [1, 2]));
        using ShardedSafetensors store = Open(folder, "{\"weight_map\":{\"two\":\"b.safetensors\",\"one\":\"a.safetensors\"}}");
        Assert.Equal([1f, 2f], store.ReadVector("one"));
        Assert.Equal(["two absent", "one F32"], store.Tensors.Select(tensor => $"{tensor.Name} {tensor.StoredType}"));
        AssertAbsent(() => store.TryGet("two", out _));
        AssertAbsent(() => store.Sha256(store.Tensors[0]));
        AssertAbsent(store.CheckComplete);
        AssertAbsent(() => ModelManifest.Create(store));

        void AssertAbsent(Action action)
        {
            var exception = Assert.Throws<ModelException>(action);
            Assert.Equal(ModelError.ModelNotFound, exception.Error);
            Assert.Contains("tensor two lies in " + folder.File("b.safetensors"), exception.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Open_TensorInTwoShards_CorruptModelNamesBoth()
    {
        using var folder = new TemporaryFolder();
        WriteShard(folder, "a.safetensors", ("one", [1, 2]));
        WriteShard(folder, "b.safetensors", ("two", [3]), ("one", [4]));
        var exception = Assert.Throws<ModelException>(() => Open(folder, "{\"weight_map\":{\"one\":\"a.safetensors\",\"two\":\"b.safetensors\"}}"));
        Assert.Equal(ModelError.CorruptModel, exception.Error);
        Assert.Contains("tensor one is in b.safetensors and in a.safetensors", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_FilesAndTensorsThatTheIndexDoesNotName_AreNoPartOfTheModel()
    {
        using var folder = new TemporaryFolder();
        WriteShard(folder, "a.safetensors", ("one", [1, 2]), ("left over", [9]));
        WriteShard(folder, "model-00002-of-00002.safetensors", ("two", [3]));
        using ShardedSafetensors store = Open(folder, "{\"metadata\":{\"total_size\":9e300},\"weight_map\":{\"one\":\"a.safetensors\"}}");
        Assert.Equal("one", Assert.Single(store.Tensors).Name);
        Assert.False(store.TryGet("two", out _));
        Assert.False(store.TryGet("left over", out _));
    }

    [Theory]
    [InlineData("{\"weight_map\":{\"one\":\"../a.safetensors\"}}", ModelError.CorruptModel, "../a.safetensors")]
    [InlineData("{\"weight_map\":{\"one\":\"/a.safetensors\"}}", ModelError.CorruptModel, "/a.safetensors")]
    [InlineData("{\"weight_map\":{\"one\":\"..\\\\a.safetensors\"}}", ModelError.CorruptModel, "a file name")]
    [InlineData("{\"weight_map\":{\"one\":\"..\"}}", ModelError.CorruptModel, "a file name")]
    [InlineData("{\"weight_map\":{\"one\":7}}", ModelError.CorruptModel, "weight_map of one is 7")]
    [InlineData("{\"weight_map\":{\"three\":\"a.safetensors\"}}", ModelError.CorruptModel, "a.safetensors has no tensor three")]
    [InlineData("{\"weight_map\":{\"one\":\"a.safetensors\",\"one\":\"a.safetensors\"}}", ModelError.CorruptModel, "one is given twice")]
    [InlineData("{\"weight_map\":[]}", ModelError.CorruptModel, "weight_map is missing")]
    [InlineData("{\"weight_map\":{\"one\":\"absent.safetensors\"}}", ModelError.ModelNotFound, "absent.safetensors")]
    [InlineData("[", ModelError.CorruptModel, "JSON")]
    [InlineData("[]", ModelError.CorruptModel, "object")]
    public void Open_BadIndex_TypedErrorThatNamesIt(string json, ModelError expected, string named)
    {
        using var folder = new TemporaryFolder();
        WriteShard(folder, "a.safetensors", ("one", [1, 2]));
        var exception = Assert.Throws<ModelException>(() => Open(folder, json));
        Assert.Equal(expected, exception.Error);
        Assert.Contains(named, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_TruncatedShard_CorruptModel()
    {
        using var folder = new TemporaryFolder();
        WriteShard(folder, "a.safetensors", ("one", [1, 2]));
        byte[] whole = File.ReadAllBytes(folder.File("a.safetensors"));
        folder.Write("a.safetensors", whole.AsSpan(0, whole.Length - 1));
        Assert.Equal(ModelError.CorruptModel, Assert.Throws<ModelException>(() => Open(folder, "{\"weight_map\":{\"one\":\"a.safetensors\"}}")).Error);
    }

    private static ShardedSafetensors Open(TemporaryFolder folder, string index) => ShardedSafetensors.Open(folder.Write("model.safetensors.index.json", index));

    private static void WriteShard(TemporaryFolder folder, string name, params (string Name, float[] Values)[] tensors)
    {
        using var writer = new SafetensorsWriter(folder.File(name), [.. tensors.Select(tensor => (tensor.Name, new long[] { tensor.Values.Length }))]);
        foreach ((string tensor, float[] values) in tensors)
            writer.Write(tensor, 0, values);
    }
}
