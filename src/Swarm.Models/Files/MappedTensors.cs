using System.Security.Cryptography;

namespace Swarm.Models.Files;

/// <summary>What GGUF and safetensors have in common once their headers are read: tensors at known places of a mapped file.</summary>
internal sealed class MappedTensors
{
    private const int HashChunkBytes = 1 << 26;
    private readonly MappedFile _file;
    private readonly Dictionary<string, TensorInfo> _byName;
    private readonly HashSet<string> _read = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private TensorInfo? _last;
    private long _bytesTouched;
    private long _bytesRead;

    /// <param name="tensors">Their ranges lie inside the file and their names differ: the parsers have checked.</param>
    public MappedTensors(MappedFile file, IReadOnlyList<TensorInfo> tensors)
    {
        _file = file;
        Tensors = tensors;
        _byName = new Dictionary<string, TensorInfo>(tensors.Count, StringComparer.Ordinal);
        foreach (TensorInfo tensor in tensors)
            _byName.Add(tensor.Name, tensor);
    }

    public IReadOnlyList<TensorInfo> Tensors { get; }

    public long BytesTouched => Interlocked.Read(ref _bytesTouched);

    public long BytesRead => Interlocked.Read(ref _bytesRead);

    public IReadOnlyList<string> Files => [_file.Path];

    public bool TryGet(string name, out TensorInfo tensor) => _byName.TryGetValue(name, out tensor!);

    public ReadOnlySpan<byte> Rows(TensorInfo tensor, long firstRow, int count)
    {
        if (tensor.Format is null)
            throw new ModelException(ModelError.UnsupportedModel, $"tensor {tensor.Name} has type {tensor.StoredType}, which no kernel reads");
        return RawRows(tensor, firstRow, count);
    }

    /// <summary>Rows of any type, also of those that no kernel reads.</summary>
    public ReadOnlySpan<byte> RawRows(TensorInfo tensor, long firstRow, int count)
    {
        long rows = tensor.Rows;
        if (firstRow < 0 || count < 0 || firstRow > rows - count)
        {
            throw new ModelException(
                ModelError.InvalidArgument, $"tensor {tensor.Name}: rows {firstRow} to {firstRow + count}, expected rows within 0 to {rows}");
        }

        long rowBytes = rows == 0 ? 0 : tensor.ByteLength / rows;
        long bytes = rowBytes * count;
        if (bytes > int.MaxValue)
        {
            throw new ModelException(
                ModelError.InvalidArgument, $"tensor {tensor.Name}: {count} rows are {bytes} bytes, expected at most {int.MaxValue} a read");
        }

        Count(tensor, bytes);
        return _file.Slice(tensor.Offset + firstRow * rowBytes, (int)bytes);
    }

    /// <summary>Copies stored bytes of a tensor of this file; false where they are not within it.</summary>
    public bool TryCopyStored(TensorInfo tensor, long offset, Span<byte> target)
    {
        if (!TryGet(tensor.Name, out TensorInfo own) || offset < 0 || offset > own.ByteLength - target.Length)
            return false;
        _file.Slice(own.Offset + offset, target.Length).CopyTo(target);
        return true;
    }

    public byte[] Sha256(TensorInfo tensor)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (long done = 0; done < tensor.ByteLength;)
        {
            int chunk = (int)Math.Min(HashChunkBytes, tensor.ByteLength - done);
            hash.AppendData(_file.Slice(tensor.Offset + done, chunk));
            _file.Release(tensor.Offset + done, chunk);
            done += chunk;
        }

        Count(tensor, tensor.ByteLength);
        return hash.GetHashAndReset();
    }

    public void Release(TensorInfo tensor) => _file.Release(tensor.Offset, tensor.ByteLength);

    private void Count(TensorInfo tensor, long bytes)
    {
        Interlocked.Add(ref _bytesTouched, bytes);

        // Rows of one tensor are mostly read in turn.
        if (ReferenceEquals(_last, tensor))
            return;
        _last = tensor;
        lock (_gate)
        {
            if (_read.Add(tensor.Name))
                _bytesRead += tensor.ByteLength;
        }
    }

    /// <summary>Refuses tensors that share bytes.</summary>
    public static void CheckOverlap(string path, IReadOnlyList<TensorInfo> tensors)
    {
        TensorInfo[] sorted = [.. tensors.Where(tensor => tensor.ByteLength > 0)];
        Array.Sort(sorted, (left, right) => left.Offset.CompareTo(right.Offset));
        for (int i = 1; i < sorted.Length; i++)
        {
            long end = sorted[i - 1].Offset + sorted[i - 1].ByteLength;
            if (sorted[i].Offset < end)
            {
                throw new ModelException(
                    ModelError.CorruptModel,
                    $"{path}: tensor {sorted[i].Name} starts at byte {sorted[i].Offset}, inside {sorted[i - 1].Name} which ends at {end}");
            }
        }
    }
}
