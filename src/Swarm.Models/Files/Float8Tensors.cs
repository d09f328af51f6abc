using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Swarm.Kernels;

namespace Swarm.Models.Files;

/// <summary>
/// Another store's tensors, those in 8-bit floats in 16 bits: without scales in F16, exactly; with scales (one for all, one a row, or one a block of rows and columns) in BF16,
/// each value times its scale in float32, rounded to the nearest BF16, as the makers of such models convert them. Hashes and lengths are those of what is stored.
/// </summary>
internal sealed class Float8Tensors : ITensorStore
{
    [ThreadStatic]
    private static byte[]? t_buffer;

    private readonly ITensorStore _inner;
    private readonly (int Rows, int Columns) _block;
    private readonly Dictionary<string, TensorInfo> _float8 = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _scaleOf = new(StringComparer.Ordinal);
    private Scales? _last;

    /// <param name="inner">Taken over.</param>
    /// <param name="block">Rows and columns that share a scale of <c>weight_scale_inv</c>.</param>
    public Float8Tensors(ITensorStore inner, (int Rows, int Columns) block)
    {
        _inner = inner;
        _block = block;
        HashSet<string> names = [.. inner.Tensors.Select(tensor => tensor.Name)];
        var tensors = new TensorInfo[inner.Tensors.Count];
        for (int i = 0; i < tensors.Length; i++)
        {
            TensorInfo tensor = tensors[i] = inner.Tensors[i];
            if (Float8.Find(tensor.StoredType) is null)
                continue;
            if (ScaleSuffixes.Select(suffix => tensor.Name + suffix).FirstOrDefault(names.Contains) is { } scale)
                _scaleOf.Add(tensor.Name, scale);
            tensors[i] = tensor with { Format = _scaleOf.ContainsKey(tensor.Name) ? WeightFormat.BF16 : WeightFormat.F16 };
            _float8.Add(tensor.Name, tensors[i]);
        }

        Tensors = tensors;
    }

    /// <summary>What the names of a tensor's scales end in.</summary>
    public static IReadOnlyList<string> ScaleSuffixes { get; } = ["_scale_inv", "_scale"];

    public IReadOnlyList<TensorInfo> Tensors { get; }

    public long BytesTouched => _inner.BytesTouched;

    public long BytesRead => _inner.BytesRead;

    public IReadOnlyList<string> Files => _inner.Files;

    public bool TryGet(string name, out TensorInfo tensor) =>
        _inner.TryGet(name, out tensor) && (!_float8.TryGetValue(name, out TensorInfo? known) || (tensor = known) is not null);

    public ReadOnlySpan<byte> Rows(TensorInfo tensor, long firstRow, int count)
    {
        ReadOnlySpan<byte> stored = _inner.Rows(tensor, firstRow, count);
        if (!_float8.ContainsKey(tensor.Name))
            return stored;
        int bytes = checked(2 * stored.Length);
        byte[] buffer = t_buffer is { } kept && kept.Length >= bytes ? kept : t_buffer = new byte[bytes];
        Span<ushort> values = MemoryMarshal.Cast<byte, ushort>(buffer.AsSpan(0, bytes));
        if (_scaleOf.TryGetValue(tensor.Name, out string? scale))
            Scale(tensor, ScalesOf(tensor, scale), stored, firstRow, values);
        else
            Convert(Float8.Find(tensor.StoredType)!.Halves, stored, values);

        if (!BitConverter.IsLittleEndian)
            BinaryPrimitives.ReverseEndianness(values, values);
        return buffer.AsSpan(0, bytes);
    }

    public float[] ReadVector(string name) => StoredFloats.ReadVector(this, name);

    public byte[] Sha256(TensorInfo tensor) => _inner.Sha256(tensor);

    public bool TryCopyStored(TensorInfo tensor, long offset, Span<byte> target) => _inner.TryCopyStored(tensor, offset, target);

    public IReadOnlyList<TensorInfo> Companions(TensorInfo tensor) =>
        _scaleOf.TryGetValue(tensor.Name, out string? scale) && _inner.TryGet(scale, out TensorInfo found) ? [found] : [];

    public long MissingBytes(IReadOnlyList<TensorInfo> tensors) => _inner.MissingBytes(WithScales(tensors));

    public Task EnsureAsync(IReadOnlyList<TensorInfo> tensors, Action<long>? progress = null, CancellationToken cancellationToken = default) =>
        _inner.EnsureAsync(WithScales(tensors), progress, cancellationToken);

    public void Release(TensorInfo tensor)
    {
        t_buffer = null;
        _inner.Release(tensor);
    }

    public void CheckComplete() => _inner.CheckComplete();

    public void Dispose() => _inner.Dispose();

    private List<TensorInfo> WithScales(IReadOnlyList<TensorInfo> tensors)
    {
        var stored = new List<TensorInfo>(tensors.Count);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (string name in tensors.SelectMany(tensor => Companions(tensor).Select(scale => scale.Name).Prepend(tensor.Name)))
        {
            if (seen.Add(name) && _inner.TryGet(name, out TensorInfo tensor))
                stored.Add(tensor);
        }

        return stored;
    }

    private static void Convert(ReadOnlySpan<ushort> halves, ReadOnlySpan<byte> stored, Span<ushort> values)
    {
        for (int i = 0; i < stored.Length; i++)
            values[i] = halves[stored[i]];
    }

    private static void Scale(TensorInfo tensor, Scales scales, ReadOnlySpan<byte> stored, long firstRow, Span<ushort> values)
    {
        ReadOnlySpan<float> unscaled = Float8.Find(tensor.StoredType)!.Values;
        int columns = (int)tensor.Columns;
        for (int row = 0; row < stored.Length / Math.Max(1, columns); row++)
        {
            int first = (int)((firstRow + row) / scales.RowsEach) * scales.Across;
            for (int column = 0; column < columns; column++)
            {
                float value = unscaled[stored[row * columns + column]] * scales.Values[first + column / scales.ColumnsEach];
                values[row * columns + column] = WeightQuantizer.ToBrain(value);
            }
        }
    }

    private Scales ScalesOf(TensorInfo tensor, string name)
    {
        if (_last is { } last && last.Name == name)
            return last;
        if (!_inner.TryGet(name, out TensorInfo stored))
            throw new ModelException(ModelError.CorruptModel, $"tensor {name} is missing");
        float[] values = StoredFloats.ReadVector(_inner, name);
        long rows = tensor.Rows, columns = tensor.Columns;
        int down = (int)((rows + _block.Rows - 1) / _block.Rows), across = (int)((columns + _block.Columns - 1) / _block.Columns);
        Scales scales;
        if (values.Length == 1)
            scales = new Scales(name, values, int.MaxValue, int.MaxValue, 1);
        else if (tensor.Shape.Count == 2 && stored.Shape is [var seenDown, var seenAcross] && seenDown == down && seenAcross == across)
            scales = new Scales(name, values, _block.Rows, _block.Columns, across);
        else if (values.Length == rows)
            scales = new Scales(name, values, 1, int.MaxValue, 1);
        else
        {
            throw new ModelException(
                ModelError.CorruptModel,
                $"tensor {name} has shape {stored.ShapeText}, expected one scale, one for each of {rows} rows, or [{down}, {across}] for {tensor.Name} {tensor.ShapeText} in blocks of {_block.Rows} by {_block.Columns}");
        }

        _last = scales;
        return scales;
    }

    /// <summary>Scales of one tensor.</summary>
    /// <param name="Name">Their tensor.</param>
    /// <param name="Values">Row by row.</param>
    /// <param name="RowsEach">Rows that share one.</param>
    /// <param name="ColumnsEach">Columns that share one.</param>
    /// <param name="Across">Scales of a row.</param>
    private sealed record Scales(string Name, float[] Values, int RowsEach, int ColumnsEach, int Across);
}
