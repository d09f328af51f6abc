using System.Collections.Concurrent;

namespace Swarm.Models.Files;

/// <summary>
/// Tensors that are known by a manifest alone: each is a file of its own, named by its hash, which comes to this machine when it is asked for. Names, shapes and types are the
/// manifest's.
/// </summary>
internal sealed class ContentTensors : ITensorStore
{
    private readonly ModelManifest _manifest;
    private readonly ITensorContent _content;
    private readonly Func<TensorInfo, int?> _blockOf;
    private readonly Dictionary<string, TensorInfo> _byName = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Lazy<(MappedFile File, MappedTensors Tensors)>> _open = new(StringComparer.Ordinal);

    /// <param name="manifest">What there is.</param>
    /// <param name="typeOf">The file format's types by their names.</param>
    /// <param name="content">Where it is; taken over.</param>
    /// <param name="blockOf">The block that a tensor belongs to.</param>
    /// <exception cref="ModelException">CorruptModel or UnsupportedModel: a tensor's shape or type makes no sense.</exception>
    public ContentTensors(ModelManifest manifest, Func<string, StoredType?> typeOf, ITensorContent content, Func<TensorInfo, int?> blockOf)
    {
        _manifest = manifest;
        _content = content;
        _blockOf = blockOf;
        var tensors = new List<TensorInfo>(manifest.Entries.Count);
        foreach (ManifestEntry entry in manifest.Entries)
        {
            StoredType type = typeOf(entry.StoredType)
                ?? throw new ModelException(ModelError.UnsupportedModel, $"manifest: tensor {entry.Name} has the unknown type {entry.StoredType}");
            TensorInfo tensor = TensorSizes.Describe("manifest", entry.Name, [.. entry.Shape], type, 0);
            tensors.Add(tensor);
            _byName.Add(tensor.Name, tensor);
        }

        Tensors = tensors;
    }

    public IReadOnlyList<TensorInfo> Tensors { get; }

    public long BytesTouched => _open.Values.Where(open => open.IsValueCreated).Sum(open => open.Value.Tensors.BytesTouched);

    public bool TryGet(string name, out TensorInfo tensor) => _byName.TryGetValue(name, out tensor!);

    public ReadOnlySpan<byte> Rows(TensorInfo tensor, long firstRow, int count) => Open(tensor).Tensors.Rows(tensor, firstRow, count);

    public float[] ReadVector(string name) => StoredFloats.ReadVector(this, name);

    /// <summary>The hash of what is here. A file that holds something else than its name says is thrown away, so that the next start brings it anew.</summary>
    public byte[] Sha256(TensorInfo tensor)
    {
        byte[] seen = Open(tensor).Tensors.Sha256(tensor);
        if (!HashOf(tensor).Span.SequenceEqual(seen))
            _content.Discard(HashOf(tensor).Span);
        return seen;
    }

    public bool TryCopyStored(TensorInfo tensor, long offset, Span<byte> target) =>
        _byName.TryGetValue(tensor.Name, out TensorInfo? own) && IsHere(own) && Open(own).Tensors.TryCopyStored(own, offset, target);

    public void Release(TensorInfo tensor)
    {
        if (_open.TryGetValue(tensor.Name, out Lazy<(MappedFile File, MappedTensors Tensors)>? open) && open.IsValueCreated)
            open.Value.Tensors.Release(_byName[tensor.Name]);
    }

    public long MissingBytes(IReadOnlyList<TensorInfo> tensors) => Missing(tensors).Sum(content => content.Tensor.ByteLength);

    public async Task EnsureAsync(IReadOnlyList<TensorInfo> tensors, Action<long>? progress = null, CancellationToken cancellationToken = default)
    {
        List<TensorContent> missing = Missing(tensors);
        if (missing.Count > 0)
            await _content.FetchAsync(missing, progress, cancellationToken);
    }

    public void CheckComplete()
    {
        if (Tensors.FirstOrDefault(tensor => !IsHere(tensor)) is { } absent)
            throw new ModelException(ModelError.ModelNotFound, $"tensor {absent.Name} is not here");
    }

    public void Dispose()
    {
        foreach (Lazy<(MappedFile File, MappedTensors Tensors)> open in _open.Values.Where(open => open.IsValueCreated))
            open.Value.File.Dispose();
        _content.Dispose();
    }

    private bool IsHere(TensorInfo tensor) => _content.Find(HashOf(tensor).Span) is not null;

    private ReadOnlyMemory<byte> HashOf(TensorInfo tensor) => _manifest.TryGet(tensor.Name, out ManifestEntry entry)
        ? entry.Sha256
        : throw new ModelException(ModelError.InvalidArgument, $"manifest: has no tensor {tensor.Name}");

    // Each hash once: a model may hold the same bytes under several names.
    private List<TensorContent> Missing(IReadOnlyList<TensorInfo> tensors)
    {
        var missing = new List<TensorContent>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (TensorInfo tensor in tensors.Select(tensor => _byName[tensor.Name]))
        {
            ReadOnlyMemory<byte> hash = HashOf(tensor);
            if (_content.Find(hash.Span) is null && seen.Add(Convert.ToHexStringLower(hash.Span)))
                missing.Add(new TensorContent(tensor, hash, _blockOf(tensor)));
        }

        return missing;
    }

    private (MappedFile File, MappedTensors Tensors) Open(TensorInfo tensor) =>
        _open.GetOrAdd(tensor.Name, name => new Lazy<(MappedFile, MappedTensors)>(() => Map(_byName[name]))).Value;

    private (MappedFile File, MappedTensors Tensors) Map(TensorInfo tensor)
    {
        string path = _content.Find(HashOf(tensor).Span)
            ?? throw new ModelException(ModelError.ModelNotFound, $"tensor {tensor.Name} is read before it was brought here");
        var file = new MappedFile(path);
        if (file.Length == tensor.ByteLength)
            return (file, new MappedTensors(file, [tensor]));
        file.Dispose();
        _content.Discard(HashOf(tensor).Span);
        throw new ModelException(ModelError.CorruptModel, $"{path}: {file.Length} bytes, expected the {tensor.ByteLength} of tensor {tensor.Name}; starting again brings it anew");
    }
}
