using Swarm.Hub;
using Swarm.Models;

namespace Swarm.Cli.Framework;

/// <summary>A model of this machine, from a hub or beside the program.</summary>
/// <param name="Name">For --model.</param>
/// <param name="Path">Its file or folder; null where not all of it is here.</param>
/// <param name="Revision">Of the hub's repository; the identity of a swarm's model; null beside the program.</param>
/// <param name="Bytes">Of the whole; null: not known.</param>
/// <param name="BytesHere">What of it is here.</param>
/// <param name="Files">Its files that are here.</param>
/// <param name="Family">Null: not known.</param>
/// <param name="Quantization">Null: not known, or none.</param>
/// <param name="Source">Where it lies: cache (that programs share), swarm (tensors from nodes, in the home), program (beside it).</param>
internal sealed record ShownModel(string Name, string? Path, string? Revision, long? Bytes, long BytesHere, int Files, string? Family, string? Quantization, string Source)
{
    public static ShownModel Of(StoredModel model) =>
        new(model.Name, model.Path, model.Commit, model.Bytes, model.BytesHere, model.Files, model.Family, model.Quantization, "cache");

    /// <summary>What lies in the folders beside the program.</summary>
    public static IEnumerable<ShownModel> Beside(IReadOnlyList<string> folders)
    {
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (string path in folders.SelectMany(folder => Directory.EnumerateFileSystemEntries(folder).Order(StringComparer.Ordinal)))
        {
            bool isFolder = Directory.Exists(path);
            string name = isFolder ? System.IO.Path.GetFileName(path) : System.IO.Path.GetFileNameWithoutExtension(path);
            if ((isFolder || path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase)) && seen.Add(name) && TryRead(name, path, isFolder) is { } model)
                yield return model;
        }
    }

    private static ShownModel? TryRead(string name, string path, bool isFolder)
    {
        try
        {
            using ModelSource source = ModelSource.Open(path);
            string[] files = isFolder ? Directory.GetFiles(path) : [path];
            long bytes = files.Sum(file => new FileInfo(file).Length);
            return new ShownModel(name, path, null, bytes, bytes, files.Length, source.Config.Family, null, "program");
        }
        catch (ModelException)
        {
            // A folder without a model that this program reads.
            return null;
        }
    }
}
