using System.Text.Json;

namespace Swarm.Models.Files;

/// <summary>
/// Several safetensors files under one index (model.safetensors.index.json). Only headers are read until a tensor is asked for, and a file that is not here matters only
/// when a tensor of it is: a node needs the files of its own blocks. Files and tensors that the index does not name are no part of the model; its sizes are not believed.
/// </summary>
public sealed class ShardedSafetensors : ITensorStore
{
    private readonly JoinedTensors _joined = new();

    private ShardedSafetensors()
    {
    }

    /// <summary>All tensors in the order of the index; of those whose file is absent only the name is known.</summary>
    public IReadOnlyList<TensorInfo> Tensors => _joined.Tensors;

    /// <inheritdoc/>
    public long BytesTouched => _joined.BytesTouched;

    /// <inheritdoc/>
    public long BytesRead => _joined.BytesRead;

    /// <inheritdoc/>
    public IReadOnlyList<string> Files => _joined.Files;

    /// <summary>Opens the files that an index names, as far as they are here; they lie beside it.</summary>
    /// <exception cref="ModelException">
    /// ModelNotFound: none of the files is here. CorruptModel: the index contradicts itself or its files, a file is no safetensors. UnsupportedModel: an unknown type.
    /// </exception>
    public static ShardedSafetensors Open(string indexPath)
    {
        using JsonDocument index = JsonFile.Read(indexPath);
        return Open(indexPath, index.RootElement, path => File.Exists(path) ? SafetensorsFile.Open(path) : null);
    }

    /// <param name="indexPath">Path of the index, for messages and for finding its files.</param>
    /// <param name="index">What it says.</param>
    /// <param name="open">Opens a file; null where it is absent.</param>
    internal static ShardedSafetensors Open(string indexPath, JsonElement index, Func<string, SafetensorsFile?> open)
    {
        if (index.ValueKind != JsonValueKind.Object || !index.TryGetProperty("weight_map", out JsonElement map) || map.ValueKind != JsonValueKind.Object)
            throw new ModelException(ModelError.CorruptModel, $"{indexPath}: weight_map is missing, expected an object");
        var store = new ShardedSafetensors();
        try
        {
            store.Join(indexPath, map, open);
            return store;
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    /// <exception cref="ModelException">ModelNotFound: it lies in a file that is not here.</exception>
    public bool TryGet(string name, out TensorInfo tensor) => _joined.TryGet(name, out tensor);

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Rows(TensorInfo tensor, long firstRow, int count) => _joined.PartOf(tensor).Rows(tensor, firstRow, count);

    /// <inheritdoc/>
    public float[] ReadVector(string name) => StoredFloats.ReadVector(this, name);

    /// <inheritdoc/>
    public byte[] Sha256(TensorInfo tensor) => _joined.PartOf(tensor).Sha256(tensor);

    /// <inheritdoc/>
    public bool TryCopyStored(TensorInfo tensor, long offset, Span<byte> target) => _joined.TryCopyStored(tensor, offset, target);

    /// <inheritdoc/>
    public void Release(TensorInfo tensor) => _joined.PartOf(tensor).Release(tensor);

    /// <inheritdoc/>
    public void CheckComplete() => _joined.CheckComplete();

    /// <inheritdoc/>
    public void Dispose() => _joined.Dispose();

    private void Join(string indexPath, JsonElement map, Func<string, SafetensorsFile?> open)
    {
        string folder = Path.GetDirectoryName(indexPath) ?? "";
        var shards = new Dictionary<string, SafetensorsFile?>(StringComparer.Ordinal);
        var places = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (JsonProperty pair in map.EnumerateObject())
        {
            string file = FileName(indexPath, pair.Name, pair.Value);
            if (places.Count == LoaderLimits.MaxTensors)
                throw new ModelException(ModelError.CorruptModel, $"{indexPath} names more than {LoaderLimits.MaxTensors} tensors");
            if (!places.TryAdd(pair.Name, file))
                throw new ModelException(ModelError.CorruptModel, $"{indexPath}: tensor {pair.Name} is given twice");
            if (!shards.TryGetValue(file, out SafetensorsFile? shard))
            {
                if (shards.Count == LoaderLimits.MaxShards)
                    throw new ModelException(ModelError.CorruptModel, $"{indexPath} names more than {LoaderLimits.MaxShards} files");
                shard = open(Path.Combine(folder, file));
                shards.Add(file, shard);
                if (shard is not null)
                    _joined.Own(shard);
            }

            if (shard is null)
                _joined.AddAbsent(pair.Name, Path.Combine(folder, file));
            else if (shard.TryGet(pair.Name, out TensorInfo tensor))
                _joined.Add(tensor, shard, file);
            else
                throw new ModelException(ModelError.CorruptModel, $"{indexPath}: {file} has no tensor {pair.Name}");
        }

        if (shards.Count > 0 && shards.Values.All(shard => shard is null))
            throw new ModelException(ModelError.ModelNotFound, $"{indexPath}: none of its {shards.Count} files is here, such as {shards.Keys.First()}");
        CheckTwice(indexPath, shards, places);
    }

    // Which of two would count is not for the reader to guess.
    private static void CheckTwice(string indexPath, Dictionary<string, SafetensorsFile?> shards, Dictionary<string, string> places)
    {
        foreach ((string file, SafetensorsFile? shard) in shards)
        {
            TensorInfo? twice = shard?.Tensors.FirstOrDefault(tensor => places.TryGetValue(tensor.Name, out string? place) && place != file);
            if (twice is not null)
                throw new ModelException(ModelError.CorruptModel, $"{indexPath}: tensor {twice.Name} is in {file} and in {places[twice.Name]}, expected one of them");
        }
    }

    private static string FileName(string indexPath, string tensorName, JsonElement value)
    {
        string? file = value.ValueKind == JsonValueKind.String ? value.GetString() : null;

        // An index names files beside it: a path that leads elsewhere is not followed.
        if (string.IsNullOrEmpty(file) || file.AsSpan().ContainsAny('/', '\\', '\0') || file is "." or "..")
            throw new ModelException(ModelError.CorruptModel, $"{indexPath}: weight_map of {tensorName} is {value}, expected a file name");
        return file;
    }
}
