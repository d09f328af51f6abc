using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Swarm.Models.Files;

namespace Swarm.Models;

/// <summary>
/// All tensors of a model with their hashes, made once by whoever brings the model. A joiner gets its bytes, checks their hash, and verifies the tensors of its own span
/// as it loads them. Bytes: "SWMF1\n", tensor count (u32), then for each the name (u16 length, UTF-8), the type (u8 length, UTF-8), the dimensions (u8 count, i64 each) and 32
/// bytes of SHA-256; all little-endian.
/// </summary>
public sealed class ModelManifest
{
    /// <summary>Most bytes of an encoded manifest.</summary>
    public const int MaxBytes = 64 << 20;

    private static readonly UTF8Encoding Utf8 = new(false, throwOnInvalidBytes: true);
    private readonly Dictionary<string, ManifestEntry> _byName = new(StringComparer.Ordinal);

    private ModelManifest(IReadOnlyList<ManifestEntry> entries, ReadOnlyMemory<byte> bytes)
    {
        Entries = entries;
        Bytes = bytes;
        Hash = SHA256.HashData(bytes.Span);
        foreach (ManifestEntry entry in entries)
        {
            if (!_byName.TryAdd(entry.Name, entry))
                throw new ModelException(ModelError.CorruptModel, $"manifest: tensor {entry.Name} is given twice");
        }
    }

    private static ReadOnlySpan<byte> Magic => "SWMF1\n"u8;

    /// <summary>The tensors in the order of the file.</summary>
    public IReadOnlyList<ManifestEntry> Entries { get; }

    /// <summary>The canonical encoding.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>SHA-256 of <see cref="Bytes"/>.</summary>
    public ReadOnlyMemory<byte> Hash { get; }

    /// <summary>Reads and hashes every tensor of a model.</summary>
    /// <param name="tensors">The model's tensors.</param>
    /// <param name="progress">Called with the bytes hashed so far.</param>
    /// <param name="cancellationToken">Ends hashing between two tensors.</param>
    /// <exception cref="ModelException">ModelNotFound: a file of the model is not here.</exception>
    public static ModelManifest Create(ITensorStore tensors, Action<long>? progress = null, CancellationToken cancellationToken = default)
    {
        tensors.CheckComplete();
        var entries = new List<ManifestEntry>(tensors.Tensors.Count);
        long bytes = 0;
        foreach (TensorInfo tensor in tensors.Tensors)
        {
            cancellationToken.ThrowIfCancellationRequested();
            entries.Add(new ManifestEntry(tensor.Name, tensor.Shape, tensor.StoredType, tensors.Sha256(tensor)));
            tensors.Release(tensor);
            progress?.Invoke(bytes += tensor.ByteLength);
        }

        return new ModelManifest(entries, Encode(entries));
    }

    /// <summary>Decodes a manifest that came from elsewhere.</summary>
    /// <exception cref="ModelException">CorruptModel, naming the field, the value and the limit.</exception>
    public static ModelManifest Parse(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > MaxBytes)
            throw Corrupt($"{bytes.Length} bytes, expected at most {MaxBytes}");
        if (!bytes.StartsWith(Magic))
            throw Corrupt("does not start with \"SWMF1\"");
        ReadOnlySpan<byte> rest = bytes[Magic.Length..];
        uint count = BinaryPrimitives.ReadUInt32LittleEndian(Take(ref rest, 4, "tensor count"));
        if (count > LoaderLimits.MaxTensors)
            throw Corrupt($"tensor count = {count}, expected at most {LoaderLimits.MaxTensors}");

        // The list grows with what is really there, so that a huge count costs nothing.
        var entries = new List<ManifestEntry>();
        for (uint i = 0; i < count; i++)
            entries.Add(ReadEntry(ref rest, i));
        if (rest.Length > 0)
            throw Corrupt($"{rest.Length} bytes follow the last tensor");
        return new ModelManifest(entries, bytes.ToArray());
    }

    /// <summary>Finds a tensor by its name.</summary>
    public bool TryGet(string name, out ManifestEntry entry) => _byName.TryGetValue(name, out entry!);

    /// <summary>Checks a tensor against the manifest; reads it whole.</summary>
    /// <exception cref="ModelException">CorruptModel, naming the tensor and what differs.</exception>
    public void Verify(ITensorStore store, TensorInfo tensor)
    {
        if (!TryGet(tensor.Name, out ManifestEntry entry))
            throw Corrupt($"has no tensor {tensor.Name}");
        if (!entry.Shape.SequenceEqual(tensor.Shape) || entry.StoredType != tensor.StoredType)
        {
            throw new ModelException(
                ModelError.CorruptModel,
                $"tensor {tensor.Name} is {tensor.StoredType} {tensor.ShapeText}, the manifest says {entry.StoredType} [{string.Join(", ", entry.Shape)}]");
        }

        byte[] seen = store.Sha256(tensor);
        if (!entry.Sha256.Span.SequenceEqual(seen))
        {
            throw new ModelException(
                ModelError.CorruptModel,
                $"tensor {tensor.Name} has SHA-256 {Convert.ToHexStringLower(seen)}, the manifest says {Convert.ToHexStringLower(entry.Sha256.Span)}");
        }
    }

    private static byte[] Encode(List<ManifestEntry> entries)
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream, Utf8);
        writer.Write(Magic);
        writer.Write((uint)entries.Count);
        foreach (ManifestEntry entry in entries)
        {
            byte[] name = Utf8.GetBytes(entry.Name);
            byte[] type = Utf8.GetBytes(entry.StoredType);
            writer.Write(checked((ushort)name.Length));
            writer.Write(name);
            writer.Write(checked((byte)type.Length));
            writer.Write(type);
            writer.Write(checked((byte)entry.Shape.Count));
            foreach (long length in entry.Shape)
                writer.Write(length);
            writer.Write(entry.Sha256.Span);
        }

        writer.Flush();
        return stream.ToArray();
    }

    private static ManifestEntry ReadEntry(ref ReadOnlySpan<byte> rest, uint index)
    {
        int nameBytes = BinaryPrimitives.ReadUInt16LittleEndian(Take(ref rest, 2, $"name of tensor {index}"));
        if (nameBytes > LoaderLimits.MaxNameBytes)
            throw Corrupt($"name of tensor {index} has {nameBytes} bytes, expected at most {LoaderLimits.MaxNameBytes}");
        string name = Text(Take(ref rest, nameBytes, $"name of tensor {index}"), $"name of tensor {index}");
        int typeBytes = Take(ref rest, 1, $"type of {name}")[0];
        string type = Text(Take(ref rest, typeBytes, $"type of {name}"), $"type of {name}");
        int dimensions = Take(ref rest, 1, $"dimensions of {name}")[0];
        if (dimensions > LoaderLimits.MaxDimensions)
            throw Corrupt($"tensor {name} has {dimensions} dimensions, expected at most {LoaderLimits.MaxDimensions}");
        var shape = new long[dimensions];
        for (int i = 0; i < shape.Length; i++)
        {
            shape[i] = BinaryPrimitives.ReadInt64LittleEndian(Take(ref rest, 8, $"shape of {name}"));
            if (shape[i] < 0)
                throw Corrupt($"dimension {i} of {name} = {shape[i]}, expected at least 0");
        }

        return new ManifestEntry(name, shape, type, Take(ref rest, 32, $"SHA-256 of {name}").ToArray());
    }

    private static ReadOnlySpan<byte> Take(ref ReadOnlySpan<byte> rest, int count, string field)
    {
        if (count > rest.Length)
            throw Corrupt($"{field} needs {count} bytes, but {rest.Length} are left");
        ReadOnlySpan<byte> taken = rest[..count];
        rest = rest[count..];
        return taken;
    }

    private static string Text(ReadOnlySpan<byte> bytes, string field)
    {
        try
        {
            return Utf8.GetString(bytes);
        }
        catch (DecoderFallbackException exception)
        {
            throw new ModelException(ModelError.CorruptModel, $"manifest: {field} is not UTF-8", exception);
        }
    }

    private static ModelException Corrupt(string message) => new(ModelError.CorruptModel, $"manifest: {message}");
}
