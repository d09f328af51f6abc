using Swarm.Kernels;

namespace Swarm.Models.Files;

/// <summary>
/// Another store's tensors, those of microscaled floats (OCP Microscaling Formats, MXFP4) as checkpoints of gpt-oss have them, in the layout of the format: there a tensor
/// …_blocks [experts, rows, groups, 16] holds two values a byte, neighbours together, and …_scales [experts, rows, groups] the exponents. Rows handed out are those of [experts · rows,
/// groups · 32]. Shapes, hashes and lengths are those of what is stored.
/// </summary>
internal sealed class MicroscaledTensors : ITensorStore
{
    private const int GroupValues = 32;
    private const int BlockBytes = GroupValues / 2;
    private const string Blocks = "_blocks";
    private const string Scales = "_scales";

    [ThreadStatic]
    private static byte[]? t_buffer;

    private readonly ITensorStore _inner;
    private readonly Dictionary<string, (TensorInfo Blocks, TensorInfo Scales)> _scaled = new(StringComparer.Ordinal);

    /// <param name="inner">Taken over.</param>
    /// <exception cref="ModelException">CorruptModel: scales that do not fit their tensor.</exception>
    public MicroscaledTensors(ITensorStore inner)
    {
        _inner = inner;
        var tensors = new TensorInfo[inner.Tensors.Count];
        for (int i = 0; i < tensors.Length; i++)
        {
            TensorInfo tensor = tensors[i] = inner.Tensors[i];
            if (!IsBlocks(tensor) || !inner.TryGet(string.Concat(tensor.Name.AsSpan(0, tensor.Name.Length - Blocks.Length), Scales), out TensorInfo scales))
                continue;
            if (scales.StoredType != "U8" || !scales.Shape.SequenceEqual(tensor.Shape.Take(tensor.Shape.Count - 1)))
            {
                throw new ModelException(
                    ModelError.CorruptModel,
                    $"tensor {scales.Name} is {scales.StoredType} {scales.ShapeText}, expected U8 [{string.Join(", ", tensor.Shape.SkipLast(1))}] beside {tensor.Name}");
            }

            tensors[i] = tensor with { Format = WeightFormat.MXFP4 };
            _scaled.Add(tensor.Name, (tensors[i], scales with { Format = WeightFormat.MXFP4 }));
        }

        Tensors = tensors;
    }

    public IReadOnlyList<TensorInfo> Tensors { get; }

    public long BytesTouched => _inner.BytesTouched;

    /// <summary>Whether a tensor is of the kind: bytes, the last dimension 16, and a name that says so.</summary>
    public static bool IsBlocks(TensorInfo tensor) =>
        tensor.StoredType == "U8" && tensor.Shape.Count >= 2 && tensor.Columns == BlockBytes && tensor.Name.EndsWith(Blocks, StringComparison.Ordinal);

    public bool TryGet(string name, out TensorInfo tensor)
    {
        if (!_scaled.TryGetValue(name, out (TensorInfo Blocks, TensorInfo Scales) pair))
            return _inner.TryGet(name, out tensor);
        tensor = pair.Blocks;
        return true;
    }

    public ReadOnlySpan<byte> Rows(TensorInfo tensor, long firstRow, int count)
    {
        if (!_scaled.TryGetValue(tensor.Name, out (TensorInfo Blocks, TensorInfo Scales) pair))
            return _inner.Rows(tensor, firstRow, count);
        long rows = pair.Scales.Rows;
        if (firstRow < 0 || count < 0 || firstRow > rows - count)
            throw new ModelException(ModelError.InvalidArgument, $"tensor {tensor.Name}: rows {firstRow} to {firstRow + count}, expected rows within 0 to {rows}");
        int groups = checked((int)pair.Scales.Columns * count);
        int bytes = checked(groups * (1 + BlockBytes));
        byte[] buffer = t_buffer is { } kept && kept.Length >= bytes ? kept : t_buffer = new byte[bytes];

        // A span of the inner store lasts until its next call.
        byte[] scales = _inner.Rows(pair.Scales, firstRow, count).ToArray();
        MicroscaledRows.ToStored(_inner.Rows(pair.Blocks, firstRow * pair.Scales.Columns, groups), scales, buffer.AsSpan(0, bytes));
        return buffer.AsSpan(0, bytes);
    }

    public float[] ReadVector(string name) => _inner.ReadVector(name);

    public byte[] Sha256(TensorInfo tensor) => _inner.Sha256(tensor);

    public IReadOnlyList<TensorInfo> Companions(TensorInfo tensor) =>
        _scaled.TryGetValue(tensor.Name, out (TensorInfo Blocks, TensorInfo Scales) pair) ? [pair.Scales] : _inner.Companions(tensor);

    public long MissingBytes(IReadOnlyList<TensorInfo> tensors) => _inner.MissingBytes(WithScales(tensors));

    public Task EnsureAsync(IReadOnlyList<TensorInfo> tensors, Action<long>? progress = null, CancellationToken cancellationToken = default) =>
        _inner.EnsureAsync(WithScales(tensors), progress, cancellationToken);

    public void Release(TensorInfo tensor)
    {
        t_buffer = null;
        _inner.Release(tensor);
        if (_scaled.TryGetValue(tensor.Name, out (TensorInfo Blocks, TensorInfo Scales) pair))
            _inner.Release(pair.Scales);
    }

    public void CheckComplete() => _inner.CheckComplete();

    public void Dispose() => _inner.Dispose();

    private List<TensorInfo> WithScales(IReadOnlyList<TensorInfo> tensors)
    {
        var stored = new List<TensorInfo>(tensors);
        var seen = new HashSet<string>(tensors.Select(tensor => tensor.Name), StringComparer.Ordinal);
        foreach (TensorInfo tensor in tensors)
        {
            if (_scaled.TryGetValue(tensor.Name, out (TensorInfo Blocks, TensorInfo Scales) pair) && seen.Add(pair.Scales.Name))
                stored.Add(pair.Scales);
        }

        return stored;
    }
}
