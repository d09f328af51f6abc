using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Swarm.Models.Files;

/// <summary>
/// Writes float32 tensors as safetensors, piece by piece: shapes are declared first, then values follow in any pieces, so that a result larger than memory can
/// be written.
/// </summary>
public sealed class SafetensorsWriter : IDisposable
{
    private readonly FileStream _stream;
    private readonly Dictionary<string, (long Offset, long Bytes)> _places = new(StringComparer.Ordinal);
    private readonly long _dataStart;

    /// <param name="path">The file to make; one that is there is replaced.</param>
    /// <param name="tensors">Names and shapes, the outermost dimension first, in the order of the file.</param>
    public SafetensorsWriter(string path, IReadOnlyList<(string Name, long[] Shape)> tensors)
    {
        byte[] header = MakeHeader(tensors, out long dataBytes);
        _stream = new FileStream(path, FileMode.Create, FileAccess.ReadWrite, FileShare.Read);
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)header.Length);
        _stream.Write(length);
        _stream.Write(header);
        _dataStart = 8 + header.Length;
        _stream.SetLength(_dataStart + dataBytes);
    }

    /// <summary>Writes values of a tensor from its value <paramref name="firstValue"/> on. What is never written is zero.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The values pass the tensor's end.</exception>
    public void Write(string name, long firstValue, ReadOnlySpan<float> values)
    {
        (long offset, long bytes) = _places[name];
        ArgumentOutOfRangeException.ThrowIfNegative(firstValue);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(4 * values.Length, bytes - 4 * firstValue, nameof(values));
        if (!BitConverter.IsLittleEndian)
            throw new PlatformNotSupportedException("safetensors is little-endian");
        _stream.Position = _dataStart + offset + 4 * firstValue;
        _stream.Write(MemoryMarshal.AsBytes(values));
    }

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();

    private byte[] MakeHeader(IReadOnlyList<(string Name, long[] Shape)> tensors, out long dataBytes)
    {
        using var memory = new MemoryStream();
        using var json = new Utf8JsonWriter(memory);
        dataBytes = 0;
        json.WriteStartObject();
        foreach ((string name, long[] shape) in tensors)
        {
            long bytes = shape.Aggregate(4L, (product, length) => checked(product * length));
            _places.Add(name, (dataBytes, bytes));
            json.WriteStartObject(name);
            json.WriteString("dtype", "F32");
            json.WriteStartArray("shape");
            foreach (long length in shape)
                json.WriteNumberValue(length);
            json.WriteEndArray();
            json.WriteStartArray("data_offsets");
            json.WriteNumberValue(dataBytes);
            json.WriteNumberValue(dataBytes += bytes);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.Flush();

        // Spaces behind the object bring the values to a multiple of 8 bytes.
        while (memory.Length % 8 != 0)
            memory.WriteByte((byte)' ');
        return memory.ToArray();
    }
}
