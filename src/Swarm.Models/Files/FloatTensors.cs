using System.Runtime.InteropServices;
using Swarm.Kernels;

namespace Swarm.Models.Files;

/// <summary>
/// Another store's tensors with their values in float32. Products with float weights do not round what they multiply, so small differences between hidden states stay as
/// small as they are; for measuring.
/// </summary>
internal sealed class FloatTensors(ITensorStore inner) : ITensorStore
{
    private readonly Dictionary<string, TensorInfo> _stored = inner.Tensors.ToDictionary(tensor => tensor.Name);
    private float[] _values = [];

    public IReadOnlyList<TensorInfo> Tensors { get; } = [.. inner.Tensors.Select(InFloat)];

    public long BytesTouched => inner.BytesTouched;

    public long BytesRead => inner.BytesRead;

    public IReadOnlyList<string> Files => inner.Files;

    public bool TryGet(string name, out TensorInfo tensor)
    {
        bool found = inner.TryGet(name, out tensor);
        tensor = found ? InFloat(tensor) : tensor;
        return found;
    }

    public ReadOnlySpan<byte> Rows(TensorInfo tensor, long firstRow, int count)
    {
        TensorInfo stored = _stored[tensor.Name];
        ReadOnlySpan<byte> bytes = inner.Rows(stored, firstRow, count);
        if (stored.Format is not { } format || format == WeightFormat.F32)
            return bytes;
        int length = checked((int)(count * stored.Columns));
        if (_values.Length < length)
            _values = new float[length];
        StoredRows.Dequantize(format, bytes, _values.AsSpan(0, length));
        return MemoryMarshal.AsBytes(_values.AsSpan(0, length));
    }

    public float[] ReadVector(string name) => inner.ReadVector(name);

    public byte[] Sha256(TensorInfo tensor) => inner.Sha256(_stored[tensor.Name]);

    public long MissingBytes(IReadOnlyList<TensorInfo> tensors) => inner.MissingBytes([.. tensors.Select(tensor => _stored[tensor.Name])]);

    public Task EnsureAsync(IReadOnlyList<TensorInfo> tensors, Action<long>? progress = null, CancellationToken cancellationToken = default) =>
        inner.EnsureAsync([.. tensors.Select(tensor => _stored[tensor.Name])], progress, cancellationToken);

    public IReadOnlyList<TensorInfo> Companions(TensorInfo tensor) => inner.Companions(_stored[tensor.Name]);

    public void CheckComplete() => inner.CheckComplete();

    public bool TryCopyStored(TensorInfo tensor, long offset, Span<byte> target) => inner.TryCopyStored(_stored[tensor.Name], offset, target);

    public void Release(TensorInfo tensor) => inner.Release(_stored[tensor.Name]);

    public void Dispose() => inner.Dispose();

    private static TensorInfo InFloat(TensorInfo tensor) => tensor.Format is null
        ? tensor
        : tensor with { Format = WeightFormat.F32, StoredType = "F32", ByteLength = tensor.Rows * tensor.Columns * sizeof(float) };
}
