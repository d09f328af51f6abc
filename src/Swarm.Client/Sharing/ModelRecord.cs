using System.Text.Json;

namespace Swarm.Client;

/// <summary>
/// What a folder of tensors remembers of a model that came from a swarm: so that it can be opened again with nobody there, and that whoever looks into the folder knows what is in it.
/// One JSON file a model, named by its identity, below <c>models</c>.
/// </summary>
/// <param name="Identity">64 hex digits.</param>
/// <param name="Swarm">Whose model it is, 64 hex digits.</param>
/// <param name="Name">For people.</param>
/// <param name="Blocks">Blocks of the whole model.</param>
/// <param name="Description">SHA-256 of the description, hex.</param>
/// <param name="Manifest">SHA-256 of the manifest, hex.</param>
public sealed record ModelRecord(string Identity, string Swarm, string Name, int Blocks, string Description, string Manifest)
{
    private const int MaxBytes = 64 << 10;

    /// <summary>All models that a folder remembers, by name, then identity; files that are none are passed over.</summary>
    public static IReadOnlyList<ModelRecord> ReadAll(string folder)
    {
        string models = FolderOf(folder);
        if (!Directory.Exists(models))
            return [];
        return
        [
            .. Directory.EnumerateFiles(models, "*.json").Select(TryRead).OfType<ModelRecord>()
                .OrderBy(record => record.Name, StringComparer.Ordinal).ThenBy(record => record.Identity, StringComparer.Ordinal),
        ];
    }

    /// <summary>Keeps it in a folder.</summary>
    /// <exception cref="IOException">The disk refuses.</exception>
    public void Write(string folder)
    {
        Directory.CreateDirectory(FolderOf(folder));
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("identity", Identity);
            json.WriteString("swarm", Swarm);
            json.WriteString("name", Name);
            json.WriteNumber("blocks", Blocks);
            json.WriteString("description", Description);
            json.WriteString("manifest", Manifest);
            json.WriteEndObject();
        }

        string path = Path.Combine(FolderOf(folder), Identity + ".json");
        string unfinished = $"{path}.{Environment.ProcessId}.part";
        File.WriteAllBytes(unfinished, stream.ToArray());
        File.Move(unfinished, path, overwrite: true);
    }

    private static string FolderOf(string folder) => Path.Combine(folder, "models");

    private static ModelRecord? TryRead(string path)
    {
        try
        {
            if (new FileInfo(path).Length > MaxBytes)
                return null;
            using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(path));
            JsonElement root = json.RootElement;
            string Text(string name) => root.GetProperty(name).GetString() ?? "";
            var record = new ModelRecord(Text("identity"), Text("swarm"), Text("name"), root.GetProperty("blocks").GetInt32(), Text("description"), Text("manifest"));
            return IsHash(record.Identity) && IsHash(record.Description) && IsHash(record.Manifest) ? record : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    private static bool IsHash(string text) => text.Length == 64 && text.All(char.IsAsciiHexDigitLower);
}
