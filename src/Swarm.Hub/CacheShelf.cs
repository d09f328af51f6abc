using System.Text.Json;
using Swarm.Models;
using Swarm.Models.Files;

namespace Swarm.Hub;

/// <summary>What lies in the cache, and how it leaves again.</summary>
internal sealed class CacheShelf(HubCache cache)
{
    /// <summary>Every model of which something is here, by name.</summary>
    public List<StoredModel> List() => [.. cache.Repositories().SelectMany(List)];

    /// <summary>Removes a revision of a repository, or one model of it.</summary>
    /// <exception cref="ModelException">ModelNotFound: there is none; InvalidArgument: it is being brought.</exception>
    public RemovedModel Remove(HubReference reference)
    {
        string repository = reference.Repository;
        string? commit = cache.ReadRef(repository, reference.Revision) is { } known && Directory.Exists(cache.Snapshot(repository, known)) ? known : cache.ReadOwnRef(repository, reference.Revision);
        if (commit is null || !(Directory.Exists(cache.Snapshot(repository, commit)) || Directory.Exists(cache.View(repository, commit))))
            throw NotFound(reference);
        FileSelection? selection = null;
        if (reference.Selector is not null)
        {
            selection = Selections(KnownFiles(repository, commit)).FirstOrDefault(one => IsNamed(reference, one) && BytesHere(repository, commit, one.Weights) > 0)
                ?? throw NotFound(reference);
        }

        return Remove(reference, commit, selection);
    }

    private RemovedModel Remove(HubReference reference, string commit, FileSelection? selection)
    {
        string repository = reference.Repository;
        List<CacheLock> locks = [];
        try
        {
            foreach (RepositoryFile file in (selection?.Files ?? KnownFiles(repository, commit)).Where(file => file.ETag.Length > 0).DistinctBy(file => file.ETag))
            {
                locks.Add(CacheLock.TryTake(cache.LockFile(repository, file.ETag))
                    ?? throw new ModelException(ModelError.InvalidArgument, $"{reference.Text}: another program is bringing {file.Path}; end it first"));
            }

            (int files, long bytes) = RemoveSnapshot(repository, commit, selection);
            (int parts, long partBytes) = RemoveView(repository, commit, selection);
            Tidy(repository, commit);
            return new RemovedModel(reference.Text, commit, files + parts, bytes + partBytes);
        }
        finally
        {
            locks.ForEach(one => one.Dispose());
        }
    }

    private (int Files, long Bytes) RemoveSnapshot(string repository, string commit, FileSelection? selection)
    {
        string folder = cache.Snapshot(repository, commit);
        if (!Directory.Exists(folder))
            return (0, 0);
        HashSet<string>? wanted = selection is null ? null : [.. selection.Files.Select(file => Path.Combine(folder, HubCache.Local(file.Path)))];
        HashSet<string> candidates = new(StringComparer.Ordinal);
        int files = 0;
        long bytes = 0;
        foreach (string path in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).ToArray())
        {
            if (wanted?.Contains(path) == false)
                continue;
            if (BlobOf(repository, path) is { } blob)
                candidates.Add(blob);
            else if (new FileInfo(path).LinkTarget is null)
                bytes += new FileInfo(path).Length;
            File.Delete(path);
            files++;
        }

        // Contents that another snapshot has as well stay.
        candidates.ExceptWith(cache.Commits(repository)
            .SelectMany(other => Directory.EnumerateFiles(cache.Snapshot(repository, other), "*", SearchOption.AllDirectories)).Select(path => BlobOf(repository, path)).OfType<string>());
        foreach (string blob in candidates.Where(File.Exists))
        {
            bytes += new FileInfo(blob).Length;
            File.Delete(blob);
        }

        return (files, bytes);
    }

    private (int Files, long Bytes) RemoveView(string repository, string commit, FileSelection? selection)
    {
        string folder = cache.View(repository, commit);
        if (!Directory.Exists(folder))
            return (0, 0);
        int files = 0;
        long bytes = 0;
        foreach (RepositoryFile file in selection?.Files ?? KnownFiles(repository, commit))
        {
            string path = Path.Combine(folder, HubCache.Local(file.Path));
            if (PartialFile.ReadRecord(path, file) is { } here)
            {
                files++;
                bytes += here.Length;
            }

            PartialFile.DeleteRecord(path);
            if (File.Exists(path))
                File.Delete(path);
        }

        if (selection is null)
            Directory.Delete(folder, recursive: true);
        return (files, bytes);
    }

    // Folders without files, and the refs of a commit that is gone.
    private void Tidy(string repository, string commit)
    {
        RemoveEmpty(cache.Snapshot(repository, commit));
        RemoveEmpty(cache.View(repository, commit));
        if (!Directory.Exists(cache.View(repository, commit)))
        {
            if (File.Exists(cache.ListingFile(repository, commit)))
                File.Delete(cache.ListingFile(repository, commit));
            RemoveRefs(cache.OwnRefsFolder(repository), commit);
        }

        if (!Directory.Exists(cache.Snapshot(repository, commit)))
            RemoveRefs(cache.RefsFolder(repository), commit);
        RemoveEmpty(cache.OwnFolder(repository));
        if (!cache.Commits(repository).Any() && !cache.PartialCommits(repository).Any())
        {
            RemoveEmpty(cache.RepositoryFolder(repository));
            string locks = Path.GetDirectoryName(cache.LockFile(repository, "x"))!;
            if (!Directory.Exists(cache.RepositoryFolder(repository)) && Directory.Exists(locks))
                Directory.Delete(locks, recursive: true);
        }
    }

    private static void RemoveRefs(string folder, string commit)
    {
        if (!Directory.Exists(folder))
            return;
        foreach (string path in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Where(path => File.ReadAllText(path).Trim() == commit).ToArray())
            File.Delete(path);
        RemoveEmpty(folder);
    }

    private static void RemoveEmpty(string folder)
    {
        if (!Directory.Exists(folder) || new DirectoryInfo(folder).LinkTarget is not null)
            return;
        foreach (string below in Directory.GetDirectories(folder))
            RemoveEmpty(below);
        if (!Directory.EnumerateFileSystemEntries(folder).Any())
            Directory.Delete(folder);
    }

    private IEnumerable<StoredModel> List(string repository)
    {
        foreach (string commit in cache.Commits(repository).Union(cache.PartialCommits(repository)).Order(StringComparer.Ordinal))
        {
            bool isListed = cache.ReadListing(repository, commit) is not null;
            foreach (FileSelection selection in Selections(KnownFiles(repository, commit)))
            {
                if (BytesHere(repository, commit, selection.Weights) == 0)
                    continue;
                long here = BytesHere(repository, commit, selection.Files);
                bool isWhole = selection.Files.All(file => cache.IsHere(repository, commit, file.Path)) && HubStore.IsWhole(cache.Snapshot(repository, commit), selection);
                var reference = new HubReference(repository, RevisionOf(repository, commit), selection.IsGguf ? selection.Quantization ?? selection.Weights[0].Path : null);
                string folder = isWhole ? cache.Snapshot(repository, commit) : cache.View(repository, commit);
                yield return new StoredModel(
                    reference.Text, isWhole ? HubStore.PathOf(folder, selection) : null, repository, commit, isListed ? selection.Bytes : isWhole ? here : null, here,
                    selection.Files.Count(file => BytesHere(repository, commit, [file]) > 0), FamilyOf(HubStore.PathOf(folder, selection), selection), selection.Quantization);
            }
        }
    }

    private ModelException NotFound(HubReference reference)
    {
        string[] nearest = [.. List().Select(model => model.Name).OrderBy(name => Nearness.Distance(reference.Text, name)).Take(3)];
        string told = nearest.Length == 0 ? "it holds no model" : $"the nearest there are {string.Join(", ", nearest)}";
        return new ModelException(ModelError.ModelNotFound, $"{reference.Text} is not in {cache.Root}; {told}");
    }

    private static List<FileSelection> Selections(IReadOnlyList<RepositoryFile> files)
    {
        List<FileSelection> selections = [.. FileSelection.Groups(files).Select(FileSelection.Of)];
        if (FileSelection.OfSafetensors(files) is { } folder)
            selections.Insert(0, folder);
        return selections;
    }

    private static bool IsNamed(HubReference reference, FileSelection selection)
    {
        try
        {
            return FileSelection.Choose(reference, selection.Files).IsGguf;
        }
        catch (ModelException)
        {
            return false;
        }
    }

    private IReadOnlyList<RepositoryFile> KnownFiles(string repository, string commit) => cache.ReadListing(repository, commit)?.Files ?? cache.SnapshotFiles(repository, commit);

    private long BytesHere(string repository, string commit, IReadOnlyList<RepositoryFile> files) => files.Sum(file => HubCache.WholeFile(Path.Combine(cache.Snapshot(repository, commit), HubCache.Local(file.Path)))?.Length
        ?? PartialFile.ReadRecord(Path.Combine(cache.View(repository, commit), HubCache.Local(file.Path)), file)?.Length ?? 0);

    // As people name it: nothing for main, a branch or tag that is here, else the commit.
    private string RevisionOf(string repository, string commit)
    {
        if ((cache.ReadRef(repository, HubReference.DefaultRevision) ?? cache.ReadOwnRef(repository, HubReference.DefaultRevision)) == commit)
            return HubReference.DefaultRevision;
        foreach (string folder in new[] { cache.RefsFolder(repository), cache.OwnRefsFolder(repository) }.Where(Directory.Exists))
        {
            foreach (string path in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
            {
                string name = Path.GetRelativePath(folder, path).Replace('\\', '/');
                if (name != HubReference.DefaultRevision && File.ReadAllText(path).Trim() == commit)
                    return name;
            }
        }

        return commit;
    }

    // The blob that a snapshot's link leads to; null where it is a file of its own, or leads elsewhere.
    private string? BlobOf(string repository, string path)
    {
        if (new FileInfo(path).LinkTarget is not { } target)
            return null;
        string blob = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, target));
        return Path.GetDirectoryName(blob) == Path.GetFullPath(cache.BlobsFolder(repository)) ? blob : null;
    }

    private static string? FamilyOf(string path, FileSelection selection)
    {
        try
        {
            if (selection.IsGguf)
            {
                using GgufFile file = GgufFile.Open(path);
                return file.Metadata.TryGetString("general.architecture", out string architecture) ? architecture : null;
            }

            using JsonDocument config = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(path, "config.json")));
            return config.RootElement.TryGetProperty("model_type", out JsonElement type) && type.ValueKind == JsonValueKind.String ? type.GetString() : null;
        }
        catch (Exception exception) when (exception is ModelException or IOException or JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}
