using System.Buffers.Binary;

namespace Swarm.Models.Files;

/// <summary>
/// Key-value pairs of a GGUF file. Only their places are kept; a value is decoded when it is asked for, so that a process that needs no vocabulary never
/// makes one. A Try method answers false when the key is absent or its value is of another kind; <see cref="TypeOf"/> tells which.
/// </summary>
public sealed class GgufMetadata
{
    private readonly MappedFile _file;
    private readonly Dictionary<string, Entry> _entries;

    private readonly long _start;
    private readonly int _length;

    private GgufMetadata(MappedFile file, Dictionary<string, Entry> entries, long start, int length)
    {
        _file = file;
        _entries = entries;
        _start = start;
        _length = length;
    }

    /// <summary>The pairs as they are stored.</summary>
    internal ReadOnlySpan<byte> Bytes => _file.Slice(_start, _length);

    /// <summary>All keys, in the order of the file.</summary>
    public IReadOnlyCollection<string> Keys => _entries.Keys;

    /// <summary>Walks over <paramref name="count"/> pairs, checking each against limits and the end of the file.</summary>
    internal static GgufMetadata Parse(MappedFile file, ref GgufReader reader, int count)
    {
        var entries = new Dictionary<string, Entry>(StringComparer.Ordinal);
        long start = reader.Position;
        for (int i = 0; i < count; i++)
        {
            string key = reader.String($"metadata key {i}", LoaderLimits.MaxNameBytes);
            var type = (GgufValueType)reader.UInt32($"type of {key}");
            var entry = new Entry(type, reader.Position);
            Skip(file, ref reader, type, key, 0);
            if (!entries.TryAdd(key, entry))
                throw new ModelException(ModelError.CorruptModel, $"{file.Path}: metadata key {key} is given twice");
        }

        return new GgufMetadata(file, entries, start, checked((int)(reader.Position - start)));
    }

    /// <summary>The type of a key's value, or null where there is no such key.</summary>
    public GgufValueType? TypeOf(string key) => _entries.TryGetValue(key, out Entry entry) ? entry.Type : null;

    /// <summary>A string.</summary>
    /// <exception cref="ModelException">CorruptModel: not UTF-8.</exception>
    public bool TryGetString(string key, out string value)
    {
        value = "";
        if (!TryFind(key, GgufValueType.String, out GgufReader reader))
            return false;
        value = reader.String(key, LoaderLimits.MaxStringBytes);
        return true;
    }

    /// <summary>An array of strings.</summary>
    /// <exception cref="ModelException">CorruptModel: not UTF-8.</exception>
    public bool TryGetStrings(string key, out string[] values)
    {
        values = [];
        if (!TryFindArray(key, out GgufReader reader, out GgufValueType element, out int count) || element != GgufValueType.String)
            return false;
        values = new string[count];
        for (int i = 0; i < count; i++)
            values[i] = reader.String(key, LoaderLimits.MaxStringBytes);
        return true;
    }

    /// <summary>An integer of any width that fits 64 bits with a sign.</summary>
    public bool TryGetInteger(string key, out long value)
    {
        value = 0;
        return _entries.TryGetValue(key, out Entry entry) && TryInteger(Scalar(entry), entry.Type, out value);
    }

    /// <summary>A non-negative integer of any width.</summary>
    public bool TryGetUnsigned(string key, out ulong value)
    {
        value = 0;
        if (!_entries.TryGetValue(key, out Entry entry))
            return false;
        if (entry.Type == GgufValueType.UInt64)
        {
            value = BinaryPrimitives.ReadUInt64LittleEndian(Scalar(entry));
            return true;
        }

        bool found = TryInteger(Scalar(entry), entry.Type, out long signed) && signed >= 0;
        value = found ? (ulong)signed : 0;
        return found;
    }

    /// <summary>An array of integers.</summary>
    public bool TryGetIntegers(string key, out long[] values)
    {
        values = [];
        if (!TryFindArray(key, out GgufReader reader, out GgufValueType element, out int count) || !IsInteger(element))
            return false;
        int size = ScalarBytes(element);
        ReadOnlySpan<byte> bytes = reader.Bytes((long)size * count, key);
        var result = new long[count];
        for (int i = 0; i < count; i++)
        {
            if (!TryInteger(bytes.Slice(i * size, size), element, out result[i]))
                return false;
        }

        values = result;
        return true;
    }

    /// <summary>A number: an integer or a float of any width.</summary>
    public bool TryGetNumber(string key, out double value)
    {
        value = 0;
        return _entries.TryGetValue(key, out Entry entry) && TryNumber(Scalar(entry), entry.Type, out value);
    }

    /// <summary>An array of floats, rounded to float32 where the file has more.</summary>
    public bool TryGetNumbers(string key, out float[] values)
    {
        values = [];
        if (!TryFindArray(key, out GgufReader reader, out GgufValueType element, out int count)
            || element is not (GgufValueType.Float32 or GgufValueType.Float64))
        {
            return false;
        }

        int size = ScalarBytes(element);
        ReadOnlySpan<byte> bytes = reader.Bytes((long)size * count, key);
        values = new float[count];
        for (int i = 0; i < count; i++)
        {
            _ = TryNumber(bytes.Slice(i * size, size), element, out double number);
            values[i] = (float)number;
        }

        return true;
    }

    /// <summary>A truth value.</summary>
    public bool TryGetBool(string key, out bool value)
    {
        value = false;
        if (!TryFind(key, GgufValueType.Bool, out GgufReader reader))
            return false;
        value = reader.Bytes(1, key)[0] != 0;
        return true;
    }

    /// <summary>An array of truth values.</summary>
    public bool TryGetBools(string key, out bool[] values)
    {
        values = [];
        if (!TryFindArray(key, out GgufReader reader, out GgufValueType element, out int count) || element != GgufValueType.Bool)
            return false;
        ReadOnlySpan<byte> bytes = reader.Bytes(count, key);
        values = new bool[count];
        for (int i = 0; i < count; i++)
            values[i] = bytes[i] != 0;
        return true;
    }

    private static void Skip(MappedFile file, ref GgufReader reader, GgufValueType type, string key, int depth)
    {
        switch (type)
        {
            case GgufValueType.String:
                _ = reader.StringBytes(key, LoaderLimits.MaxStringBytes);
                return;
            case GgufValueType.Array:
                if (depth == LoaderLimits.MaxArrayDepth)
                    throw new ModelException(ModelError.CorruptModel, $"{file.Path}: {key} nests arrays deeper than {LoaderLimits.MaxArrayDepth}");
                var element = (GgufValueType)reader.UInt32($"element type of {key}");
                int size = ScalarBytes(element);

                // A string takes 8 bytes at least, an array 12: no count passes what the file can hold.
                int least = size > 0 ? size : element == GgufValueType.Array ? 12 : 8;
                long count = reader.Count($"count of {key}", Math.Min(int.MaxValue, Math.Max(0, reader.Remaining - 8) / least));
                if (size > 0)
                {
                    reader.Skip(count * size, key);
                    return;
                }

                if (element is not (GgufValueType.String or GgufValueType.Array))
                    throw Unknown(file, key, element);
                for (long i = 0; i < count; i++)
                    Skip(file, ref reader, element, key, depth + 1);
                return;
            default:
                if (ScalarBytes(type) == 0)
                    throw Unknown(file, key, type);
                reader.Skip(ScalarBytes(type), key);
                return;
        }
    }

    private static ModelException Unknown(MappedFile file, string key, GgufValueType type) =>
        new(ModelError.CorruptModel, $"{file.Path}: {key} has value type {(uint)type}, expected 0 to 12");

    private static int ScalarBytes(GgufValueType type) => type switch
    {
        GgufValueType.UInt8 or GgufValueType.Int8 or GgufValueType.Bool => 1,
        GgufValueType.UInt16 or GgufValueType.Int16 => 2,
        GgufValueType.UInt32 or GgufValueType.Int32 or GgufValueType.Float32 => 4,
        GgufValueType.UInt64 or GgufValueType.Int64 or GgufValueType.Float64 => 8,
        _ => 0,
    };

    private static bool IsInteger(GgufValueType type) =>
        ScalarBytes(type) > 0 && type is not (GgufValueType.Bool or GgufValueType.Float32 or GgufValueType.Float64);

    private static bool TryInteger(ReadOnlySpan<byte> bytes, GgufValueType type, out long value)
    {
        value = 0;
        switch (type)
        {
            case GgufValueType.UInt8:
                value = bytes[0];
                return true;
            case GgufValueType.Int8:
                value = (sbyte)bytes[0];
                return true;
            case GgufValueType.UInt16:
                value = BinaryPrimitives.ReadUInt16LittleEndian(bytes);
                return true;
            case GgufValueType.Int16:
                value = BinaryPrimitives.ReadInt16LittleEndian(bytes);
                return true;
            case GgufValueType.UInt32:
                value = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
                return true;
            case GgufValueType.Int32:
                value = BinaryPrimitives.ReadInt32LittleEndian(bytes);
                return true;
            case GgufValueType.Int64:
                value = BinaryPrimitives.ReadInt64LittleEndian(bytes);
                return true;
            case GgufValueType.UInt64:
                ulong unsigned = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
                value = unchecked((long)unsigned);
                return unsigned <= long.MaxValue;
            default:
                return false;
        }
    }

    private static bool TryNumber(ReadOnlySpan<byte> bytes, GgufValueType type, out double value)
    {
        value = 0;
        switch (type)
        {
            case GgufValueType.Float32:
                value = BinaryPrimitives.ReadSingleLittleEndian(bytes);
                return true;
            case GgufValueType.Float64:
                value = BinaryPrimitives.ReadDoubleLittleEndian(bytes);
                return true;
            case GgufValueType.UInt64:
                value = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
                return true;
            default:
                bool found = TryInteger(bytes, type, out long integer);
                value = integer;
                return found;
        }
    }

    private ReadOnlySpan<byte> Scalar(Entry entry) => _file.Slice(entry.Position, ScalarBytes(entry.Type));

    private bool TryFind(string key, GgufValueType type, out GgufReader reader)
    {
        bool found = _entries.TryGetValue(key, out Entry entry) && entry.Type == type;
        reader = new GgufReader(_file, entry.Position);
        return found;
    }

    private bool TryFindArray(string key, out GgufReader reader, out GgufValueType element, out int count)
    {
        element = default;
        count = 0;
        if (!TryFind(key, GgufValueType.Array, out reader))
            return false;
        element = (GgufValueType)reader.UInt32(key);
        count = (int)reader.Count(key, int.MaxValue);
        return true;
    }

    private readonly record struct Entry(GgufValueType Type, long Position);
}
