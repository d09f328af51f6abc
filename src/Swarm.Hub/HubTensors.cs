using Swarm.Models.Files;

namespace Swarm.Hub;

/// <summary>The tensors of a model of the hub that is here in part: what is not here is brought when it is asked for.</summary>
/// <param name="inner">The files as they lie here: whole, or with holes.</param>
/// <param name="bring">Brings the files' ranges that hold some tensors.</param>
internal sealed class HubTensors(ITensorStore inner, PartialModel bring) : ITensorStore
{
    /// <inheritdoc/>
    public IReadOnlyList<TensorInfo> Tensors => inner.Tensors;

    /// <inheritdoc/>
    public long BytesTouched => inner.BytesTouched;

    /// <inheritdoc/>
    public long BytesRead => inner.BytesRead;

    /// <inheritdoc/>
    public IReadOnlyList<string> Files => MissingBytes(Tensors) == 0 ? inner.Files : [];

    /// <inheritdoc/>
    public bool TryGet(string name, out TensorInfo tensor) => inner.TryGet(name, out tensor);

    /// <inheritdoc/>
    public long MissingBytes(IReadOnlyList<TensorInfo> tensors) => bring.MissingBytes(tensors);

    /// <inheritdoc/>
    public Task EnsureAsync(IReadOnlyList<TensorInfo> tensors, Action<long>? progress = null, CancellationToken cancellationToken = default) =>
        bring.EnsureAsync(tensors, progress, cancellationToken);

    /// <inheritdoc/>
    public bool TryCopyStored(TensorInfo tensor, long offset, Span<byte> target) => bring.IsHere(tensor) && inner.TryCopyStored(tensor, offset, target);

    /// <inheritdoc/>
    public IReadOnlyList<TensorInfo> Companions(TensorInfo tensor) => inner.Companions(tensor);

    /// <inheritdoc/>
    public void CheckComplete() => inner.CheckComplete();

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Rows(TensorInfo tensor, long firstRow, int count) => inner.Rows(tensor, firstRow, count);

    /// <inheritdoc/>
    public float[] ReadVector(string name) => inner.ReadVector(name);

    /// <inheritdoc/>
    public byte[] Sha256(TensorInfo tensor) => inner.Sha256(tensor);

    /// <inheritdoc/>
    public void Release(TensorInfo tensor) => inner.Release(tensor);

    /// <inheritdoc/>
    public void Dispose()
    {
        inner.Dispose();
        bring.Dispose();
    }
}
