using Swarm.Client;
using Swarm.Models;
using Swarm.Protocol.Weights;

namespace Swarm.Cli.Framework;

/// <summary>Models of swarms whose tensors came from their nodes: what of each lies in the home.</summary>
internal static class HomeModels
{
    /// <summary>All of them, by name.</summary>
    public static IReadOnlyList<ShownModel> List(HomeFolder home)
    {
        var blobs = new BlobStore(home.TensorsPath);
        List<ShownModel> models = [];
        foreach (ModelRecord record in ModelRecord.ReadAll(home.TensorsPath))
        {
            long[] here = [.. Hashes(blobs, record).Select(hash => blobs.Find(Convert.FromHexString(hash))).OfType<long>()];
            models.Add(new ShownModel(record.Name, null, record.Identity, null, here.Sum(), here.Length, null, null, "swarm"));
        }

        return models;
    }

    /// <summary>Removes those of a name; null where there is none. Tensors that another model has as well stay.</summary>
    /// <returns>Tensors that are gone, and their bytes.</returns>
    public static (string Identity, int Files, long Bytes)? Remove(HomeFolder home, string name)
    {
        var blobs = new BlobStore(home.TensorsPath);
        IReadOnlyList<ModelRecord> all = ModelRecord.ReadAll(home.TensorsPath);
        ModelRecord[] named = [.. all.Where(record => record.Name == name || record.Identity == name)];
        if (named.Length == 0)
            return null;
        HashSet<string> gone = [.. named.SelectMany(record => Hashes(blobs, record).Append(record.Manifest).Append(record.Description))];
        gone.ExceptWith(all.Except(named).SelectMany(record => Hashes(blobs, record).Append(record.Manifest).Append(record.Description)));
        int files = 0;
        long bytes = 0;
        foreach (byte[] hash in gone.Select(Convert.FromHexString))
        {
            if (blobs.Find(hash) is not { } length)
                continue;
            blobs.Remove(hash);
            files++;
            bytes += length;
        }

        foreach (ModelRecord record in named)
            File.Delete(Path.Combine(home.TensorsPath, "models", record.Identity + ".json"));
        return (named[0].Identity, files, bytes);
    }

    // Of its tensors; none where the manifest is gone.
    private static IEnumerable<string> Hashes(BlobStore blobs, ModelRecord record)
    {
        try
        {
            return blobs.ReadWhole(Convert.FromHexString(record.Manifest), ModelManifest.MaxBytes) is { } bytes
                ? ModelManifest.Parse(bytes).Entries.Select(entry => Convert.ToHexStringLower(entry.Sha256.Span)).Distinct()
                : [];
        }
        catch (ModelException)
        {
            return [];
        }
    }
}
