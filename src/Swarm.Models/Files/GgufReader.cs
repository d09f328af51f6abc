using System.Buffers.Binary;
using System.Text;

namespace Swarm.Models.Files;

/// <summary>A cursor over a mapped GGUF file. Every read is checked against the end of the file first.</summary>
internal struct GgufReader(MappedFile file, long position)
{
    private static readonly UTF8Encoding Utf8 = new(false, throwOnInvalidBytes: true);

    public long Position { get; private set; } = position;

    public readonly long Remaining => file.Length - Position;

    public ReadOnlySpan<byte> Bytes(long count, string field)
    {
        if (count < 0 || count > Remaining || count > int.MaxValue)
        {
            throw new ModelException(
                ModelError.CorruptModel, $"{file.Path}: {field} needs {(ulong)count} bytes at byte {Position}, but {Remaining} are left");
        }

        ReadOnlySpan<byte> bytes = file.Slice(Position, (int)count);
        Position += count;
        return bytes;
    }

    public void Skip(long count, string field)
    {
        if (count < 0 || count > Remaining)
        {
            throw new ModelException(
                ModelError.CorruptModel, $"{file.Path}: {field} needs {(ulong)count} bytes at byte {Position}, but {Remaining} are left");
        }

        Position += count;
    }

    public uint UInt32(string field) => BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4, field));

    public ulong UInt64(string field) => BinaryPrimitives.ReadUInt64LittleEndian(Bytes(8, field));

    /// <summary>A 64-bit length that must not pass a limit.</summary>
    public long Count(string field, long limit)
    {
        ulong count = UInt64(field);
        if (count > (ulong)limit)
            throw new ModelException(ModelError.CorruptModel, $"{file.Path}: {field} = {count}, expected at most {limit}");
        return (long)count;
    }

    public ReadOnlySpan<byte> StringBytes(string field, long limit) => Bytes(Count($"length of {field}", limit), field);

    public string String(string field, long limit)
    {
        ReadOnlySpan<byte> bytes = StringBytes(field, limit);
        try
        {
            return Utf8.GetString(bytes);
        }
        catch (DecoderFallbackException exception)
        {
            throw new ModelException(ModelError.CorruptModel, $"{file.Path}: {field} is not UTF-8", exception);
        }
    }
}
