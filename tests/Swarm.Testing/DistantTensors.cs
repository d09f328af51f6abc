using System.Collections.Concurrent;
using Swarm.Models.Files;

namespace Swarm.Testing;

/// <summary>A store whose tensors are elsewhere until they are asked for; reading one that nobody asked for fails.</summary>
public sealed class DistantTensors(ITensorStore inner) : ITensorStore
{
    private readonly ConcurrentDictionary<string, bool> _here = new();

    /// <summary>Names of the tensors that were brought, sorted.</summary>
    public IReadOnlyList<string> Brought => [.. _here.Keys.Order(StringComparer.Ordinal)];

    public IReadOnlyList<TensorInfo> Tensors => inner.Tensors;

    public long BytesTouched => inner.BytesTouched;

    public bool TryGet(string name, out TensorInfo tensor) => inner.TryGet(name, out tensor);

    public ReadOnlySpan<byte> Rows(TensorInfo tensor, long firstRow, int count) => inner.Rows(Here(tensor), firstRow, count);

    public float[] ReadVector(string name)
    {
        _ = inner.TryGet(name, out TensorInfo tensor) ? Here(tensor) : null;
        return inner.ReadVector(name);
    }

    public byte[] Sha256(TensorInfo tensor) => inner.Sha256(Here(tensor));

    public long MissingBytes(IReadOnlyList<TensorInfo> tensors) => tensors.Where(tensor => !_here.ContainsKey(tensor.Name)).Sum(tensor => tensor.ByteLength);

    public async Task EnsureAsync(IReadOnlyList<TensorInfo> tensors, Action<long>? progress = null, CancellationToken cancellationToken = default)
    {
        await Task.Yield();
        long bytes = 0;
        foreach (TensorInfo tensor in tensors)
        {
            if (_here.TryAdd(tensor.Name, true))
                progress?.Invoke(bytes += tensor.ByteLength);
        }
    }

    public void Release(TensorInfo tensor) => inner.Release(tensor);

    public void Dispose() => inner.Dispose();

    private TensorInfo Here(TensorInfo tensor) =>
        _here.ContainsKey(tensor.Name) ? tensor : throw new InvalidOperationException($"{tensor.Name} is read, but nobody asked for it");
}
