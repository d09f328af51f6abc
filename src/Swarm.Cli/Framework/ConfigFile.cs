using System.Text.Json;

namespace Swarm.Cli.Framework;

/// <summary>swarm.json: one object whose keys are the names of settings in camelCase, values text, numbers or booleans.</summary>
internal sealed class ConfigFile
{
    private const int MaxBytes = 1 << 20;

    private readonly Dictionary<string, (string Text, int Line)> _values = [];

    private ConfigFile(string path) => Path = path;

    public string Path { get; }

    /// <summary>Reads the file; a file that is not there is empty.</summary>
    /// <exception cref="UsageException">Not such an object, or a key that no setting has. Names the line.</exception>
    public static ConfigFile Load(string path, IReadOnlyCollection<string> knownKeys)
    {
        ConfigFile file = new(path);
        if (!File.Exists(path))
            return file;
        long length = new FileInfo(path).Length;
        if (length > MaxBytes)
            throw new UsageException($"{path}: {length} bytes, expected at most {MaxBytes}");
        byte[] bytes = File.ReadAllBytes(path);
        try
        {
            file.Read(bytes, knownKeys);
        }
        catch (JsonException e)
        {
            throw new UsageException($"{path}:{e.LineNumber + 1}: not JSON: {e.Message}");
        }

        return file;
    }

    public string? TryGet(string key) => _values.TryGetValue(key, out (string Text, int Line) value) ? value.Text : null;

    /// <summary>Where a key stands, as <c>path:line</c>.</summary>
    public string PlaceOf(string key) => $"{Path}:{_values[key].Line}";

    private void Read(ReadOnlySpan<byte> bytes, IReadOnlyCollection<string> knownKeys)
    {
        if (bytes.StartsWith("\uFEFF"u8))
            bytes = bytes[3..];
        Utf8JsonReader json = new(bytes, new JsonReaderOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
        json.Read();
        if (json.TokenType != JsonTokenType.StartObject)
            throw new UsageException($"{Path}: {Kind(json.TokenType)}, expected an object");
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            string key = json.GetString()!;
            int line = 1 + bytes[..(int)json.TokenStartIndex].Count((byte)'\n');
            if (!knownKeys.Contains(key))
                throw new UsageException($"{Path}:{line}: unknown key '{key}'; the nearest is '{NearestName.Of(key, knownKeys)}'");
            json.Read();
            string text = json.TokenType switch
            {
                JsonTokenType.String => json.GetString()!,
                JsonTokenType.Number => System.Text.Encoding.UTF8.GetString(json.ValueSpan),
                JsonTokenType.True => "true",
                JsonTokenType.False => "false",
                _ => throw new UsageException($"{Path}:{line}: {key} is {Kind(json.TokenType)}, expected text, a number or a boolean"),
            };
            if (!_values.TryAdd(key, (text, line)))
                throw new UsageException($"{Path}:{line}: {key} is given twice, first in line {_values[key].Line}");
        }

        // What follows the object is read too, or a file cut in the middle of an edit would pass.
        while (json.Read())
        {
        }
    }

    private static string Kind(JsonTokenType type) => type switch
    {
        JsonTokenType.StartObject => "an object",
        JsonTokenType.StartArray => "an array",
        JsonTokenType.Null => "null",
        _ => "a single value",
    };
}
