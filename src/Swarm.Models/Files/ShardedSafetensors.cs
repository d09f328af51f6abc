using System.Text.Json;

namespace Swarm.Models.Files;

/// <summary>Several safetensors files under one index (model.safetensors.index.json).</summary>
public sealed class ShardedSafetensors : ITensorStore
{
    private readonly Dictionary<string, SafetensorsFile> _shards = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (TensorInfo Tensor, SafetensorsFile Shard)> _byName = new(StringComparer.Ordinal);
    private readonly List<TensorInfo> _tensors = [];

    private ShardedSafetensors()
    {
    }

    /// <inheritdoc/>
    public IReadOnlyList<TensorInfo> Tensors => _tensors;

    /// <inheritdoc/>
    public long BytesTouched => _shards.Values.Sum(shard => shard.BytesTouched);

    /// <summary>Opens all shards that an index names; they lie beside it.</summary>
    /// <exception cref="ModelException">ModelNotFound, CorruptModel or UnsupportedModel, naming the field, the value and what was expected.</exception>
    public static ShardedSafetensors Open(string indexPath)
    {
        using JsonDocument index = JsonFile.Read(indexPath);
        if (!index.RootElement.TryGetProperty("weight_map", out JsonElement map) || map.ValueKind != JsonValueKind.Object)
            throw new ModelException(ModelError.CorruptModel, $"{indexPath}: weight_map is missing, expected an object");
        var store = new ShardedSafetensors();
        try
        {
            foreach (JsonProperty pair in map.EnumerateObject())
                store.Add(indexPath, pair.Name, pair.Value);
            return store;
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public bool TryGet(string name, out TensorInfo tensor)
    {
        bool found = _byName.TryGetValue(name, out (TensorInfo Tensor, SafetensorsFile Shard) place);
        tensor = place.Tensor;
        return found;
    }

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Rows(TensorInfo tensor, long firstRow, int count) => _byName[tensor.Name].Shard.Rows(tensor, firstRow, count);

    /// <inheritdoc/>
    public float[] ReadVector(string name) => StoredFloats.ReadVector(this, name);

    /// <inheritdoc/>
    public byte[] Sha256(TensorInfo tensor) => _byName[tensor.Name].Shard.Sha256(tensor);

    /// <inheritdoc/>
    public void Release(TensorInfo tensor) => _byName[tensor.Name].Shard.Release(tensor);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (SafetensorsFile shard in _shards.Values)
            shard.Dispose();
    }

    private void Add(string indexPath, string tensorName, JsonElement value)
    {
        string? file = value.ValueKind == JsonValueKind.String ? value.GetString() : null;

        // An index names files beside it: a path that leads elsewhere is not followed.
        if (string.IsNullOrEmpty(file) || file != Path.GetFileName(file) || file is "." or "..")
            throw new ModelException(ModelError.CorruptModel, $"{indexPath}: weight_map of {tensorName} is {value}, expected a file name");
        if (!_shards.TryGetValue(file, out SafetensorsFile? shard))
        {
            if (_shards.Count == LoaderLimits.MaxShards)
                throw new ModelException(ModelError.CorruptModel, $"{indexPath} names more than {LoaderLimits.MaxShards} files");
            shard = SafetensorsFile.Open(Path.Combine(Path.GetDirectoryName(indexPath) ?? "", file));
            _shards.Add(file, shard);
        }

        if (!shard.TryGet(tensorName, out TensorInfo tensor))
            throw new ModelException(ModelError.CorruptModel, $"{indexPath}: {file} has no tensor {tensorName}");
        if (!_byName.TryAdd(tensorName, (tensor, shard)))
            throw new ModelException(ModelError.CorruptModel, $"{indexPath}: tensor {tensorName} is given twice");
        _tensors.Add(tensor);
    }
}
