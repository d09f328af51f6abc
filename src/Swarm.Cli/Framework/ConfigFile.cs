using System.Globalization;
using System.Text.Json;

namespace Swarm.Cli.Framework;

/// <summary>swarm.json: one object whose keys are the names of settings in camelCase, values text, numbers or booleans.</summary>
internal sealed class ConfigFile
{
    private const int MaxBytes = 1 << 20;

    private readonly Dictionary<string, string> _values;

    private ConfigFile(string path, Dictionary<string, string> values)
    {
        Path = path;
        _values = values;
    }

    public string Path { get; }

    /// <summary>Reads the file; a file that is not there is empty.</summary>
    /// <exception cref="UsageException">Not such an object, or a key that no setting has.</exception>
    public static ConfigFile Load(string path, IReadOnlyCollection<string> knownKeys)
    {
        Dictionary<string, string> values = [];
        if (!File.Exists(path))
            return new ConfigFile(path, values);
        long length = new FileInfo(path).Length;
        if (length > MaxBytes)
            throw new UsageException($"{path}: {length} bytes, expected at most {MaxBytes}");
        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path), new JsonDocumentOptions
            {
                CommentHandling = JsonCommentHandling.Skip,
                AllowTrailingCommas = true,
            });
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw new UsageException($"{path}: {document.RootElement.ValueKind}, expected an object");
            foreach (JsonProperty property in document.RootElement.EnumerateObject())
            {
                if (!knownKeys.Contains(property.Name))
                {
                    throw new UsageException(
                        $"{path}: unknown key '{property.Name}'; the nearest is '{NearestName.Of(property.Name, knownKeys)}'");
                }

                values[property.Name] = property.Value.ValueKind switch
                {
                    JsonValueKind.String => property.Value.GetString()!,
                    JsonValueKind.Number => property.Value.GetRawText(),
                    JsonValueKind.True or JsonValueKind.False => property.Value.GetBoolean().ToString(CultureInfo.InvariantCulture),
                    _ => throw new UsageException($"{path}: {property.Name} is {property.Value.ValueKind}, expected text, a number or a boolean"),
                };
            }
        }
        catch (JsonException e)
        {
            throw new UsageException($"{path}: not JSON: {e.Message}");
        }

        return new ConfigFile(path, values);
    }

    public string? TryGet(string key) => _values.GetValueOrDefault(key);
}
