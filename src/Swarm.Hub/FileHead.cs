using System.Buffers.Binary;
using Swarm.Models;
using Swarm.Models.Files;

namespace Swarm.Hub;

/// <summary>
/// How long the header of a file of tensors is, from its first bytes: everything that has to be here before the file can be opened. Only lengths are looked at; what they hold is checked
/// when the file is opened.
/// </summary>
internal static class FileHead
{
    /// <summary>Bytes of a header at most.</summary>
    public const long MaxBytes = 256L << 20;

    private const uint GgufMagic = 0x46554747;

    /// <summary>Finds the header's end.</summary>
    /// <param name="path">For messages, and to tell the format by its extension.</param>
    /// <param name="prefix">The file's first bytes.</param>
    /// <param name="size">The file's bytes.</param>
    /// <returns>Whether the prefix holds the whole header, and where it ends; otherwise how many bytes it has at least.</returns>
    /// <exception cref="ModelException">CorruptModel: it is not such a file, or its header passes its end.</exception>
    public static (bool IsWhole, long Bytes) Find(string path, ReadOnlySpan<byte> prefix, long size)
    {
        (bool IsWhole, long Bytes) found = path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) ? Gguf(path, prefix) : Safetensors(prefix);
        if (found.Bytes > Math.Min(size, MaxBytes))
            throw new ModelException(ModelError.CorruptModel, $"{path}: the header has at least {found.Bytes} bytes, expected at most {Math.Min(size, MaxBytes)}");
        return found;
    }

    private static (bool IsWhole, long Bytes) Safetensors(ReadOnlySpan<byte> prefix)
    {
        if (prefix.Length < 8)
            return (false, 8);
        ulong header = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        long end = header > (ulong)MaxBytes ? MaxBytes + 1 : 8 + (long)header;
        return (end <= prefix.Length, end);
    }

    private static (bool IsWhole, long Bytes) Gguf(string path, ReadOnlySpan<byte> prefix)
    {
        var reader = new Cursor(prefix);
        uint magic = reader.UInt32();
        if (!reader.Failed && magic != GgufMagic)
            throw new ModelException(ModelError.CorruptModel, $"{path}: magic is 0x{magic:X8}, expected 0x{GgufMagic:X8} (\"GGUF\")");
        uint version = reader.UInt32();
        if (!reader.Failed && version is not (2 or 3))
            throw new ModelException(ModelError.UnsupportedModel, $"{path}: GGUF version {version}, expected 2 or 3");
        long tensors = reader.Count();
        long keys = reader.Count();
        if (tensors > LoaderLimits.MaxTensors || keys > LoaderLimits.MaxMetadataKeys)
            throw new ModelException(ModelError.CorruptModel, $"{path}: {tensors} tensors and {keys} keys, expected at most {LoaderLimits.MaxTensors} and {LoaderLimits.MaxMetadataKeys}");
        for (long i = 0; i < keys && !reader.Failed; i++)
        {
            reader.Skip(reader.Count());
            Value(path, ref reader, reader.UInt32(), 0);
        }

        for (long i = 0; i < tensors && !reader.Failed; i++)
        {
            reader.Skip(reader.Count());
            long dimensions = reader.UInt32();
            reader.Skip(8 * dimensions + 12);
        }

        return (!reader.Failed, reader.Needed);
    }

    private static void Value(string path, ref Cursor reader, uint type, int depth)
    {
        if (reader.Failed)
            return;
        switch (type)
        {
            case 0 or 1 or 7:
                reader.Skip(1);
                break;
            case 2 or 3:
                reader.Skip(2);
                break;
            case 4 or 5 or 6:
                reader.Skip(4);
                break;
            case 10 or 11 or 12:
                reader.Skip(8);
                break;
            case 8:
                reader.Skip(reader.Count());
                break;
            case 9 when depth < LoaderLimits.MaxArrayDepth:
                uint element = reader.UInt32();
                long count = reader.Count();
                int fixedBytes = element switch { 0 or 1 or 7 => 1, 2 or 3 => 2, 4 or 5 or 6 => 4, 10 or 11 or 12 => 8, _ => 0 };
                if (fixedBytes > 0)
                {
                    reader.Skip(count > long.MaxValue / 8 ? long.MaxValue : count * fixedBytes);
                    break;
                }

                for (long i = 0; i < count && !reader.Failed; i++)
                {
                    Value(path, ref reader, element, depth + 1);

                    // Each that is left has at least its length: how far the header goes is known sooner.
                    if (reader.Failed)
                        reader.Need((count - i - 1) * 8);
                }

                break;
            default:
                throw new ModelException(ModelError.CorruptModel, $"{path}: a value of the header has type {type} at depth {depth}, expected a type of GGUF");
        }
    }

    // Reads as long as there are bytes; then it knows how many there have to be at least.
    private ref struct Cursor(ReadOnlySpan<byte> bytes)
    {
        private readonly ReadOnlySpan<byte> _bytes = bytes;
        private long _position;

        public bool Failed { get; private set; }

        /// <summary>Where it is, or what it lacks.</summary>
        public readonly long Needed => _position;

        public void Need(long more)
        {
            if (Failed && more > 0)
                _position = more > FileHead.MaxBytes ? FileHead.MaxBytes + 1 : Math.Min(FileHead.MaxBytes + 1, _position + more);
        }

        public void Skip(long count)
        {
            if (Failed)
                return;
            if (count < 0 || count > FileHead.MaxBytes - _position)
            {
                Failed = true;
                _position = FileHead.MaxBytes + 1;
                return;
            }

            _position += count;
            Failed = _position > _bytes.Length;
        }

        public uint UInt32()
        {
            long at = _position;
            Skip(4);
            return Failed ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(_bytes[(int)at..]);
        }

        public long Count()
        {
            long at = _position;
            Skip(8);
            return Failed ? 0 : (long)Math.Min(long.MaxValue, BinaryPrimitives.ReadUInt64LittleEndian(_bytes[(int)at..]));
        }
    }
}
