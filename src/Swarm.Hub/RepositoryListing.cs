using System.Text.Json;
using Swarm.Models;

namespace Swarm.Hub;

/// <summary>The files of a repository at one commit.</summary>
/// <param name="Repository"><c>org/name</c>.</param>
/// <param name="Commit">40 hex digits.</param>
/// <param name="Files">In the order of the hub. A file whose size or checksum the hub did not tell has size −1 and an empty tag.</param>
internal sealed record RepositoryListing(string Repository, string Commit, IReadOnlyList<RepositoryFile> Files)
{
    /// <summary>Bytes of a listing at most.</summary>
    public const long MaxBytes = 64L << 20;

    private const int MaxFiles = 100_000;

    public RepositoryFile? Find(string path) => Files.FirstOrDefault(file => file.Path == path);

    /// <summary>Reads what the hub's models API answers, or <see cref="ToJson"/> wrote.</summary>
    /// <exception cref="ModelException">HubUnreachable: the answer is something else.</exception>
    public static RepositoryListing Parse(string repository, ReadOnlyMemory<byte> json, string source)
    {
        ModelException Bad(string what) => new(ModelError.HubUnreachable, $"{source}: {what}");
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 32 });
        }
        catch (JsonException exception)
        {
            throw new ModelException(ModelError.HubUnreachable, $"{source}: the answer is not JSON, expected the description of a repository: {exception.Message}", exception);
        }

        try
        {
            return Read(repository, document.RootElement, Bad);
        }
        catch (InvalidOperationException exception)
        {
            throw new ModelException(ModelError.HubUnreachable, $"{source}: a text of the answer is not Unicode", exception);
        }
        finally
        {
            document.Dispose();
        }
    }

    private static RepositoryListing Read(string repository, JsonElement root, Func<string, ModelException> bad)
    {
        if (Text(root, "sha") is not { } commit || !RepositoryFile.IsHex(commit, 40))
            throw bad($"sha is {Shown(root, "sha")}, expected a commit of 40 hex digits");
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("siblings", out JsonElement siblings) || siblings.ValueKind != JsonValueKind.Array)
            throw bad("siblings is missing, expected the list of files");
        if (siblings.GetArrayLength() > MaxFiles)
            throw bad($"{siblings.GetArrayLength()} files, expected at most {MaxFiles}");
        List<RepositoryFile> files = [];
        HashSet<string> paths = new(StringComparer.Ordinal);
        foreach (JsonElement sibling in siblings.EnumerateArray())
        {
            if (Text(sibling, "rfilename") is not { } path || !RepositoryFile.IsSafePath(path))
                throw bad($"a file is called {Shown(sibling, "rfilename")}, expected a path inside the repository");
            if (!paths.Add(path))
                throw bad($"{path} is given twice");
            files.Add(ReadFile(sibling, path));
        }

        return new RepositoryListing(repository, commit, files);
    }

    /// <summary>As the hub writes it.</summary>
    public byte[] ToJson()
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("id", Repository);
            json.WriteString("sha", Commit);
            json.WriteStartArray("siblings");
            foreach (RepositoryFile file in Files)
            {
                json.WriteStartObject();
                json.WriteString("rfilename", file.Path);
                json.WriteNumber("size", file.Size);
                if (file.HasSha256)
                {
                    json.WriteStartObject("lfs");
                    json.WriteString("sha256", file.ETag);
                    json.WriteNumber("size", file.Size);
                    json.WriteEndObject();
                }
                else
                {
                    json.WriteString("blobId", file.ETag);
                }

                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    private static RepositoryFile ReadFile(JsonElement sibling, string path)
    {
        long size = Number(sibling, "size");
        string tag = Text(sibling, "blobId") ?? "";
        if (sibling.TryGetProperty("lfs", out JsonElement large) && large.ValueKind == JsonValueKind.Object)
        {
            tag = Text(large, "sha256") ?? "";
            if (Number(large, "size") is >= 0 and long largeSize)
                size = largeSize;
        }

        return size >= 0 && RepositoryFile.IsHex(tag, 40, 64) ? new RepositoryFile(path, size, tag) : new RepositoryFile(path, -1, "");
    }

    private static string? Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static long Number(JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long number) && number >= 0 ? number : -1;

    private static string Shown(JsonElement element, string name)
    {
        string text = element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out JsonElement value) ? value.GetRawText() : "missing";
        return text.Length > 100 ? text[..100] + "…" : text;
    }
}
