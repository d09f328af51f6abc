using System.Buffers.Binary;
using System.Text.Json;

namespace Swarm.Models.Files;

/// <summary>
/// A safetensors file, mapped: 8 bytes of header length, a JSON header, then the tensors. As the format demands, tensors cover the rest of the file without
/// a gap or an overlap; a file that does not is refused.
/// </summary>
public sealed class SafetensorsFile : ITensorStore
{
    private readonly MappedFile _file;
    private readonly MappedTensors _tensors;

    private SafetensorsFile(MappedFile file)
    {
        _file = file;
        if (file.Length < 8)
            throw Corrupt($"{file.Length} bytes, expected at least the 8 of the header's length");
        ulong headerBytes = BinaryPrimitives.ReadUInt64LittleEndian(file.Slice(0, 8));
        long limit = Math.Min(LoaderLimits.MaxHeaderBytes, file.Length - 8);
        if (headerBytes > (ulong)limit)
            throw Corrupt($"header length is {headerBytes} bytes, expected at most {limit}");
        List<TensorInfo> tensors = ReadHeader((int)headerBytes);
        CheckCoverage(tensors, 8 + (long)headerBytes);
        _tensors = new MappedTensors(file, tensors);
    }

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
    public static SafetensorsFile Open(string path) => Open(new MappedFile(path));

    internal static SafetensorsFile Open(MappedFile file)
    {
        try
        {
            return new SafetensorsFile(file);
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

    /// <summary>Stored bytes of a tensor of any type, also of those that no kernel reads.</summary>
    public ReadOnlySpan<byte> Bytes(TensorInfo tensor) => _tensors.RawRows(tensor, 0, (int)tensor.Rows);

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

    private List<TensorInfo> ReadHeader(int headerBytes)
    {
        var tensors = new List<TensorInfo>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        var json = new Utf8JsonReader(_file.Slice(8, headerBytes), new JsonReaderOptions { MaxDepth = 8 });
        try
        {
            Expect(ref json, JsonTokenType.StartObject, "header");
            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                string name = Text(ref json, "tensor name");
                if (name == "__metadata__")
                {
                    json.Skip();
                    continue;
                }

                if (!names.Add(name))
                    throw Corrupt($"tensor {name} is given twice");
                if (tensors.Count == LoaderLimits.MaxTensors)
                    throw Corrupt($"more than {LoaderLimits.MaxTensors} tensors");
                tensors.Add(ReadTensor(ref json, name, 8L + headerBytes));
            }

            while (json.Read())
                throw Corrupt("text follows the header's object");
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new ModelException(ModelError.CorruptModel, $"{_file.Path}: the header is not JSON of a safetensors file: {exception.Message}", exception);
        }

        return tensors;
    }

    private TensorInfo ReadTensor(ref Utf8JsonReader json, string name, long dataStart)
    {
        string? type = null;
        long[]? shape = null;
        long[]? offsets = null;
        Expect(ref json, JsonTokenType.StartObject, name);
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            string field = Text(ref json, $"field of {name}");
            switch (field)
            {
                case "dtype":
                    Expect(ref json, JsonTokenType.String, $"dtype of {name}");
                    type = Text(ref json, $"dtype of {name}");
                    break;
                case "shape":
                    shape = Numbers(ref json, $"shape of {name}", LoaderLimits.MaxDimensions);
                    break;
                case "data_offsets":
                    offsets = Numbers(ref json, $"data_offsets of {name}", 2);
                    break;
                default:
                    throw Corrupt($"tensor {name} has the field {field}, expected dtype, shape and data_offsets");
            }
        }

        if (type is null || shape is null || offsets is not { Length: 2 })
            throw Corrupt($"tensor {name} lacks dtype, shape or data_offsets");
        StoredType stored = SafetensorsTypes.Find(type)
            ?? throw new ModelException(ModelError.UnsupportedModel, $"{_file.Path}: tensor {name} has the unknown dtype {type}");
        if (offsets[0] > offsets[1] || offsets[1] > _file.Length - dataStart)
        {
            throw Corrupt(
                $"tensor {name}: data_offsets [{offsets[0]}, {offsets[1]}], expected a range within the {_file.Length - dataStart} bytes after the header");
        }

        TensorInfo tensor = TensorSizes.Describe(_file.Path, name, shape, stored, dataStart + offsets[0]);
        if (tensor.ByteLength != offsets[1] - offsets[0])
        {
            throw Corrupt(
                $"tensor {name}: data_offsets hold {offsets[1] - offsets[0]} bytes, expected {tensor.ByteLength} for {type} {tensor.ShapeText}");
        }

        return tensor;
    }

    private void CheckCoverage(List<TensorInfo> tensors, long dataStart)
    {
        TensorInfo[] sorted = [.. tensors];
        Array.Sort(sorted, (left, right) =>
            left.Offset != right.Offset ? left.Offset.CompareTo(right.Offset) : left.ByteLength.CompareTo(right.ByteLength));
        long end = dataStart;
        foreach (TensorInfo tensor in sorted)
        {
            if (tensor.Offset != end)
            {
                throw Corrupt(
                    $"tensor {tensor.Name} starts at byte {tensor.Offset - dataStart}, expected {end - dataStart}: tensors neither overlap nor leave gaps");
            }

            end += tensor.ByteLength;
        }

        if (end != _file.Length)
            throw Corrupt($"tensors end at byte {end}, but the file has {_file.Length}");
    }

    private long[] Numbers(ref Utf8JsonReader json, string field, int limit)
    {
        var numbers = new List<long>();
        Expect(ref json, JsonTokenType.StartArray, field);
        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            if (json.TokenType != JsonTokenType.Number || !json.TryGetInt64(out long number) || number < 0)
                throw Corrupt($"{field} holds something else than non-negative integers");
            if (numbers.Count == limit)
                throw Corrupt($"{field} has more than {limit} numbers");
            numbers.Add(number);
        }

        return [.. numbers];
    }

    private string Text(ref Utf8JsonReader json, string what)
    {
        if (json.ValueSpan.Length > LoaderLimits.MaxNameBytes)
            throw Corrupt($"a {what} has {json.ValueSpan.Length} bytes, expected at most {LoaderLimits.MaxNameBytes}");
        return json.GetString()!;
    }

    private void Expect(ref Utf8JsonReader json, JsonTokenType type, string what)
    {
        if (!json.Read() || json.TokenType != type)
            throw Corrupt($"{what}: found {json.TokenType}, expected {type}");
    }

    private ModelException Corrupt(string message) => new(ModelError.CorruptModel, $"{_file.Path}: {message}");
}
