using System.Text.Json;
using Swarm.Models;
using Swarm.Models.Files;

namespace Swarm.Cli.Inspecting;

/// <summary>Tensors of a block, or of a model's ends: bytes and formats, as they are stored and as a node would hold them.</summary>
internal sealed class ModelPart
{
    private readonly SortedDictionary<string, long> _stored = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, long> _held = new(StringComparer.Ordinal);

    public long StoredBytes { get; private set; }

    public long HeldBytes { get; private set; }

    /// <summary>Stored formats, those of most bytes first.</summary>
    public string StoredText => Text(_stored);

    /// <summary>Held formats, those of most bytes first.</summary>
    public string HeldText => Text(_held);

    /// <summary>Parts that look alike stand in one line of a table.</summary>
    public bool LooksLike(ModelPart other) => StoredBytes == other.StoredBytes && HeldBytes == other.HeldBytes && StoredText == other.StoredText && HeldText == other.HeldText;

    public void Add(ModelSource source, TensorInfo tensor)
    {
        StoredBytes += tensor.ByteLength;
        _stored[tensor.StoredType] = _stored.GetValueOrDefault(tensor.StoredType) + tensor.ByteLength;

        // Vectors are held as they come, norms and biases of some kilobytes.
        string held = source.HeldFormat(tensor) is { } format ? format.ToString() : tensor.StoredType;
        long bytes = source.HeldBytes(tensor);
        HeldBytes += bytes;
        _held[held] = _held.GetValueOrDefault(held) + bytes;
    }

    public void WriteTo(Utf8JsonWriter json)
    {
        json.WriteNumber("bytes", StoredBytes);
        Write(json, "formats", _stored);
        json.WriteNumber("heldBytes", HeldBytes);
        Write(json, "heldFormats", _held);
    }

    private static string Text(SortedDictionary<string, long> formats) => string.Join(", ", formats.OrderByDescending(pair => pair.Value).Select(pair => pair.Key));

    private static void Write(Utf8JsonWriter json, string name, SortedDictionary<string, long> formats)
    {
        json.WriteStartObject(name);
        foreach ((string format, long bytes) in formats)
            json.WriteNumber(format, bytes);
        json.WriteEndObject();
    }
}
