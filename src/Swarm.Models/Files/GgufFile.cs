using System.Buffers.Binary;

namespace Swarm.Models.Files;

/// <summary>
/// A GGUF file, version 3 (or 2, which differs in nothing that is read here), mapped. The header is checked whole when it is opened: counts against
/// <see cref="LoaderLimits"/> and the end of the file, every tensor's bytes against the file and each other.
/// </summary>
public sealed class GgufFile : ITensorStore
{
    internal const uint Magic = 0x46554747;
    private readonly MappedFile _file;
    private readonly MappedTensors _tensors;
    private readonly long _metadataStart;
    private readonly long _metadataBytes;

    private GgufFile(MappedFile file)
    {
        _file = file;
        var reader = new GgufReader(file, 0);
        uint magic = reader.UInt32("magic");
        if (magic != Magic)
            throw Corrupt($"magic is 0x{magic:X8}, expected 0x{Magic:X8} (\"GGUF\")");
        uint version = reader.UInt32("version");
        if (BinaryPrimitives.ReverseEndianness(version) is 2 or 3)
            throw new ModelException(ModelError.UnsupportedModel, $"{file.Path}: a big-endian GGUF file, expected a little-endian one");
        if (version is not (2 or 3))
            throw new ModelException(ModelError.UnsupportedModel, $"{file.Path}: GGUF version {version}, expected 2 or 3");
        int tensorCount = (int)reader.Count("tensor count", LoaderLimits.MaxTensors);
        int keyCount = (int)reader.Count("metadata count", LoaderLimits.MaxMetadataKeys);
        _metadataStart = reader.Position;
        Metadata = GgufMetadata.Parse(file, ref reader, keyCount);
        _metadataBytes = reader.Position - _metadataStart;
        _tensors = new MappedTensors(file, ReadTensors(ref reader, tensorCount, ReadAlignment()));
    }

    /// <summary>Key-value pairs of the header.</summary>
    public GgufMetadata Metadata { get; }

    /// <summary>The key-value pairs as they are stored.</summary>
    internal ReadOnlySpan<byte> MetadataBytes => _file.Slice(_metadataStart, checked((int)_metadataBytes));

    /// <inheritdoc/>
    public IReadOnlyList<TensorInfo> Tensors => _tensors.Tensors;

    /// <inheritdoc/>
    public long BytesTouched => _tensors.BytesTouched;

    /// <inheritdoc/>
    public long BytesRead => _tensors.BytesRead;

    /// <inheritdoc/>
    public IReadOnlyList<string> Files => _tensors.Files;

    /// <summary>Maps a file and checks its header.</summary>
    /// <exception cref="ModelException">ModelNotFound, CorruptModel or UnsupportedModel, naming the field, the value and what was expected.</exception>
    public static GgufFile Open(string path) => Open(new MappedFile(path));

    internal static GgufFile Open(MappedFile file)
    {
        try
        {
            return new GgufFile(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public bool TryGet(string name, out TensorInfo tensor) => _tensors.TryGet(name, out tensor);

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Rows(TensorInfo tensor, long firstRow, int count) => _tensors.Rows(tensor, firstRow, count);

    /// <inheritdoc/>
    public float[] ReadVector(string name) => StoredFloats.ReadVector(this, name);

    /// <inheritdoc/>
    public byte[] Sha256(TensorInfo tensor) => _tensors.Sha256(tensor);

    /// <inheritdoc/>
    public bool TryCopyStored(TensorInfo tensor, long offset, Span<byte> target) => _tensors.TryCopyStored(tensor, offset, target);

    /// <inheritdoc/>
    public void Release(TensorInfo tensor) => _tensors.Release(tensor);

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private long ReadAlignment()
    {
        if (Metadata.TypeOf("general.alignment") is null)
            return 32;
        if (!Metadata.TryGetInteger("general.alignment", out long alignment)
            || alignment < 1 || alignment > LoaderLimits.MaxAlignment || !long.IsPow2(alignment))
        {
            throw Corrupt($"general.alignment = {alignment}, expected a power of two up to {LoaderLimits.MaxAlignment}");
        }

        return alignment;
    }

    private List<TensorInfo> ReadTensors(ref GgufReader reader, int count, long alignment)
    {
        // The list grows with what is really there, so that a huge count costs nothing.
        var headers = new List<TensorInfo>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (int i = 0; i < count; i++)
        {
            TensorInfo header = ReadHeader(ref reader, i);
            if (!names.Add(header.Name))
                throw Corrupt($"tensor {header.Name} is given twice");
            headers.Add(header);
        }

        long dataStart = (reader.Position + alignment - 1) / alignment * alignment;
        long room = _file.Length - dataStart;
        MeasureUnknown(headers, room);
        var tensors = new List<TensorInfo>(headers.Count);
        foreach (TensorInfo header in headers)
        {
            if (header.Offset % alignment != 0)
                throw Corrupt($"tensor {header.Name}: offset {header.Offset} is not a multiple of the alignment {alignment}");
            if (header.Offset > room || header.ByteLength > room - header.Offset)
            {
                throw Corrupt(
                    $"tensor {header.Name}: {header.ByteLength} bytes at offset {header.Offset}, but the file has {Math.Max(0, room)} bytes of tensors");
            }

            tensors.Add(header with { Offset = dataStart + header.Offset });
        }

        MappedTensors.CheckOverlap(_file.Path, tensors);
        return tensors;
    }

    // The bytes of a type that nobody here knows reach to the next tensor.
    private static void MeasureUnknown(List<TensorInfo> headers, long room)
    {
        if (headers.TrueForAll(header => header.ByteLength >= 0))
            return;
        long[] offsets = [.. headers.Select(header => header.Offset).Append(room).Order()];
        for (int i = 0; i < headers.Count; i++)
        {
            if (headers[i].ByteLength >= 0)
                continue;
            int at = Array.BinarySearch(offsets, headers[i].Offset);
            while (at < offsets.Length && offsets[at] <= headers[i].Offset)
                at++;
            headers[i] = headers[i] with { ByteLength = at < offsets.Length ? offsets[at] - headers[i].Offset : 0 };
        }
    }

    private TensorInfo ReadHeader(ref GgufReader reader, int index)
    {
        string name = reader.String($"name of tensor {index}", LoaderLimits.MaxNameBytes);
        uint dimensions = reader.UInt32($"dimensions of {name}");
        if (dimensions > LoaderLimits.MaxDimensions)
            throw Corrupt($"tensor {name} has {dimensions} dimensions, expected at most {LoaderLimits.MaxDimensions}");

        // GGUF writes the innermost dimension first.
        var shape = new long[dimensions];
        for (int i = 0; i < shape.Length; i++)
            shape[^(i + 1)] = reader.Count($"dimension {i} of {name}", int.MaxValue);
        uint typeNumber = reader.UInt32($"type of {name}");
        long offset = reader.Count($"offset of {name}", long.MaxValue);

        // A type that is not known matters only when the tensor is asked for.
        return GgufTypes.Find(typeNumber) is { } type
            ? TensorSizes.Describe(_file.Path, name, shape, type, offset)
            : TensorSizes.Describe(_file.Path, name, shape, new StoredType($"type {typeNumber}", null, 1, 0), offset) with { ByteLength = -1 };
    }

    private ModelException Corrupt(string message) => new(ModelError.CorruptModel, $"{_file.Path}: {message}");
}
