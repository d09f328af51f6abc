using System.Buffers.Binary;
using System.Text;
using Swarm.Models.Files;

namespace Swarm.Models;

/// <summary>Writes and reads a model's description as bytes.</summary>
internal static class DescriptionFormat
{
    private const byte GgufKind = 1;
    private const byte FolderKind = 2;

    private static ReadOnlySpan<byte> Magic => "SWMD1\n"u8;

    public static byte[] Encode(GgufMetadata metadata)
    {
        ReadOnlySpan<byte> pairs = metadata.Bytes;
        byte[] bytes = new byte[Magic.Length + 1 + sizeof(uint) + pairs.Length];
        Magic.CopyTo(bytes);
        bytes[Magic.Length] = GgufKind;
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(Magic.Length + 1), (uint)metadata.Keys.Count);
        pairs.CopyTo(bytes.AsSpan(Magic.Length + 1 + sizeof(uint)));
        return bytes;
    }

    public static byte[] Encode(IReadOnlyList<(string Name, byte[] Bytes)> files)
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        writer.Write(Magic);
        writer.Write(FolderKind);
        writer.Write((byte)files.Count);
        foreach ((string name, byte[] bytes) in files)
        {
            writer.Write((byte)name.Length);
            writer.Write(Encoding.UTF8.GetBytes(name));
            writer.Write((uint)bytes.Length);
            writer.Write(bytes);
        }

        writer.Flush();
        return stream.ToArray();
    }

    public static ModelDescription Parse(ReadOnlySpan<byte> bytes, string place)
    {
        if (!bytes.StartsWith(Magic))
            throw Corrupt(place, "does not start with \"SWMD1\"");
        var file = new MappedFile(place, bytes);
        var reader = new GgufReader(file, Magic.Length);
        byte kind = reader.Bytes(1, "kind")[0];
        return kind switch
        {
            GgufKind => ParseGguf(file, reader, place),
            FolderKind => ParseFolder(reader, place),
            _ => throw Corrupt(place, $"kind = {kind}, expected {GgufKind} or {FolderKind}"),
        };
    }

    private static GgufDescription ParseGguf(MappedFile file, GgufReader reader, string place)
    {
        uint count = reader.UInt32("metadata count");
        if (count > LoaderLimits.MaxMetadataKeys)
            throw Corrupt(place, $"metadata count = {count}, expected at most {LoaderLimits.MaxMetadataKeys}");
        GgufMetadata metadata = GgufMetadata.Parse(file, ref reader, (int)count);
        return reader.Remaining == 0 ? new GgufDescription(metadata, place) : throw Corrupt(place, $"{reader.Remaining} bytes follow the last pair");
    }

    private static HuggingFaceDescription ParseFolder(GgufReader reader, string place)
    {
        byte count = reader.Bytes(1, "number of files")[0];
        var files = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        int last = -1;
        for (int i = 0; i < count; i++)
        {
            string name = Encoding.UTF8.GetString(reader.Bytes(reader.Bytes(1, $"length of name {i}")[0], $"name {i}"));
            int order = HuggingFaceDescription.FileNames.ToList().IndexOf(name);
            if (order <= last)
                throw Corrupt(place, $"file {i} is {name}, expected one of {string.Join(", ", HuggingFaceDescription.FileNames.Skip(last + 1))}");
            last = order;
            uint length = reader.UInt32($"length of {name}");
            if (length > LoaderLimits.MaxJsonBytes)
                throw Corrupt(place, $"{name} has {length} bytes, expected at most {LoaderLimits.MaxJsonBytes}");
            files.Add(name, reader.Bytes(length, name).ToArray());
        }

        return reader.Remaining == 0
            ? new HuggingFaceDescription(place, name => files.GetValueOrDefault(name))
            : throw Corrupt(place, $"{reader.Remaining} bytes follow the last file");
    }

    private static ModelException Corrupt(string place, string message) => new(ModelError.CorruptModel, $"{place}: description: {message}");
}
