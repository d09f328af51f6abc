using System.Collections.Concurrent;
using Swarm.Models;
using Swarm.Models.Files;

namespace Swarm.Hub;

/// <summary>
/// A model's files in a view of the cache, whole or with holes. Knows where each tensor lies, and fills the holes. A file that has become whole is verified and made a file
/// of the cache that other programs find.
/// </summary>
internal sealed class PartialModel : IDisposable
{
    // Holes between wanted ranges that cost less to fill than another request.
    private const long Gap = 4096;

    private readonly HubClient _client;
    private readonly HubOptions _options;
    private readonly HubCache _cache;
    private readonly RepositoryListing _listing;
    private readonly FileSelection _selection;
    private readonly string _revision;
    private readonly Dictionary<string, (RepositoryFile File, ByteRange Range)> _places = new(StringComparer.Ordinal);
    private readonly Dictionary<RepositoryFile, long> _heads = [];
    private readonly ConcurrentDictionary<string, bool> _here = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _turn = new(1, 1);

    public PartialModel(HubClient client, HubOptions options, HubCache cache, RepositoryListing listing, FileSelection selection, string revision)
    {
        _client = client;
        _options = options;
        _cache = cache;
        _listing = listing;
        _selection = selection;
        _revision = revision;
    }

    /// <summary>The folder with the files' names.</summary>
    public string Folder => _cache.View(_listing.Repository, _listing.Commit);

    private string Repository => _listing.Repository;

    private string Commit => _listing.Commit;

    /// <summary>Brings what has to be here before the model can be opened: small files whole, of others the headers.</summary>
    public async Task PrepareAsync(Action<HubProgress>? progress, CancellationToken cancellationToken)
    {
        RepositoryFile[] small = [.. _selection.Files.Except(_selection.Weights)];
        await BringAsync([.. small.Select(file => (file, file.All))], progress, cancellationToken);
        foreach (RepositoryFile file in _selection.Weights)
            await BringHeadAsync(file, progress, cancellationToken);
        foreach (RepositoryFile file in _selection.Weights)
            FindPlaces(file);
    }

    /// <summary>Brings everything.</summary>
    public Task BringAllAsync(Action<HubProgress>? progress, CancellationToken cancellationToken) =>
        BringAsync([.. _selection.Files.Select(file => (file, file.All))], progress, cancellationToken);

    public long MissingBytes(IReadOnlyList<TensorInfo> tensors)
    {
        long bytes = 0;
        foreach (IGrouping<RepositoryFile, ByteRange> wanted in Wanted(tensors).GroupBy(place => place.File, place => place.Range))
        {
            if (_cache.IsHere(Repository, Commit, wanted.Key.Path))
                continue;
            RangeSet here = PartialFile.ReadRecord(PathOf(wanted.Key), wanted.Key) ?? new RangeSet();
            bytes += wanted.Sum(range => here.Missing(range).Sum(missing => missing.Length));
        }

        return bytes;
    }

    /// <summary>True where all bytes of a tensor are here. Remembered: others ask for tensors piece by piece.</summary>
    public bool IsHere(TensorInfo tensor)
    {
        if (_here.ContainsKey(tensor.Name))
            return true;
        if (MissingBytes([tensor]) > 0)
            return false;
        _here.TryAdd(tensor.Name, true);
        return true;
    }

    public async Task EnsureAsync(IReadOnlyList<TensorInfo> tensors, Action<long>? progress, CancellationToken cancellationToken)
    {
        List<(RepositoryFile File, ByteRange Range)> wanted = Wanted(tensors);
        await _turn.WaitAsync(cancellationToken);
        try
        {
            await BringAsync(wanted, progress is null ? null : happened => progress(happened.Transferred), cancellationToken);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _turn.Dispose();

    private string PathOf(RepositoryFile file) => Path.Combine(Folder, HubCache.Local(file.Path));

    // Where the tensors lie, neighbours as one range.
    private List<(RepositoryFile File, ByteRange Range)> Wanted(IReadOnlyList<TensorInfo> tensors)
    {
        List<(RepositoryFile File, ByteRange Range)> merged = [];
        // What scales a tensor is needed with it.
        IEnumerable<string> names = tensors.SelectMany(tensor => Float8Tensors.ScaleSuffixes.Select(suffix => tensor.Name + suffix).Prepend(tensor.Name));
        List<(RepositoryFile File, ByteRange Range)> places = [.. names.Select(name => _places.GetValueOrDefault(name)).Where(place => place.File is not null)];

        // Heads are here as a rule; not those of files that were refused.
        places.AddRange(places.Select(place => place.File).Distinct().ToArray().Select(file => (file, new ByteRange(0, _heads[file]))));
        foreach ((RepositoryFile file, ByteRange range) in places.OrderBy(place => place.File.Path, StringComparer.Ordinal).ThenBy(place => place.Range.Start))
        {
            if (merged.Count > 0 && merged[^1].File == file && range.Start <= merged[^1].Range.End + Gap)
                merged[^1] = (file, new ByteRange(merged[^1].Range.Start, Math.Max(merged[^1].Range.End, range.End)));
            else
                merged.Add((file, range));
        }

        for (int i = 0; i < merged.Count; i++)
        {
            (RepositoryFile file, ByteRange range) = merged[i];
            if (file.Size - range.End <= Gap)
                merged[i] = (file, range with { End = file.Size });
        }

        return merged;
    }

    private void FindPlaces(RepositoryFile file)
    {
        bool isGguf = file.Path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase);
        using ITensorStore store = isGguf ? GgufFile.Open(PathOf(file)) : SafetensorsFile.Open(PathOf(file));
        _heads[file] = store.Tensors.Select(tensor => tensor.Offset).DefaultIfEmpty(file.Size).Min();
        foreach (TensorInfo tensor in store.Tensors)
            _places.TryAdd(tensor.Name, (file, new ByteRange(tensor.Offset, tensor.Offset + tensor.ByteLength)));
    }

    private async Task BringHeadAsync(RepositoryFile file, Action<HubProgress>? progress, CancellationToken cancellationToken)
    {
        bool isGguf = file.Path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase);
        for (long bytes = Math.Min(file.Size, isGguf ? _options.HeadBytes : _options.HeadBytes / 8); ;)
        {
            await BringAsync([(file, new ByteRange(0, bytes))], progress, cancellationToken);
            byte[] prefix = new byte[bytes];
            using (FileStream stream = new(PathOf(file), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete))
                stream.ReadExactly(prefix);
            (bool isWhole, long needed) = FileHead.Find(file.Path, prefix, file.Size);
            if (isWhole)
                return;
            bytes = isGguf ? Math.Min(file.Size, Math.Max(needed, bytes + _options.HeadBytes)) : needed;
        }
    }

    // Each file under its lock: another program may be bringing it, and have brought it when the lock is free.
    private async Task BringAsync(IReadOnlyList<(RepositoryFile File, ByteRange Range)> wanted, Action<HubProgress>? progress, CancellationToken cancellationToken)
    {
        List<CacheLock> locks = [];
        Dictionary<RepositoryFile, PartialFile> open = [];
        try
        {
            foreach (RepositoryFile file in wanted.Select(one => one.File).Distinct().OrderBy(file => file.ETag, StringComparer.Ordinal).ToArray())
            {
                if (IsWhole(file))
                    continue;
                string name = _cache.LockFile(Repository, file.ETag);
                if (open.Keys.All(other => other.ETag != file.ETag))
                    locks.Add(await CacheLock.TakeAsync(name, _options.Time, cancellationToken));
                if (!IsWhole(file))
                    open.Add(file, PartialFile.Open(PathOf(file), file));
            }

            await new Transfer(_client, _options).RunAsync(
                Repository, Commit, [.. wanted.Where(one => open.ContainsKey(one.File)).Select(one => (open[one.File], one.Range))], progress, cancellationToken);
            foreach ((RepositoryFile file, PartialFile partial) in open)
            {
                if (partial.IsWhole)
                    Promote(partial, cancellationToken);
            }

            // Other programs look a revision up: it names this commit as soon as the model is whole there.
            if (_selection.Files.All(file => _cache.IsHere(Repository, Commit, file.Path)))
                _cache.WriteRef(Repository, _revision, Commit);
        }
        finally
        {
            foreach (PartialFile partial in open.Values)
                partial.Dispose();
            locks.ForEach(one => one.Dispose());
        }
    }

    // A snapshot's file, or the same contents of another snapshot; the view gets a link to it.
    private bool IsWhole(RepositoryFile file)
    {
        if (!_cache.IsHere(Repository, Commit, file.Path))
        {
            string blob = _cache.Blob(Repository, file.ETag);
            if (!File.Exists(blob) || new FileInfo(blob).Length != file.Size)
                return false;
            _cache.Link(Repository, Commit, file);
        }

        PartialFile.DeleteRecord(PathOf(file));
        _cache.LinkView(Repository, Commit, file.Path);
        return true;
    }

    // Verified, under the name of its contents, and in the snapshot. Where the platform does not rename files that are mapped it stays where it is, and is promoted another time.
    private void Promote(PartialFile partial, CancellationToken cancellationToken)
    {
        RepositoryFile file = partial.File;
        try
        {
            HubCache.Verify(partial.Path, file, cancellationToken);
        }
        catch (ModelException)
        {
            // The file itself stays: it may be mapped, and what comes anew takes the place of what came.
            partial.Forget(file.All);
            _here.Clear();
            partial.Save();
            throw;
        }

        partial.Dispose();
        try
        {
            Directory.CreateDirectory(_cache.BlobsFolder(Repository));
            File.Move(partial.Path, _cache.Blob(Repository, file.ETag), overwrite: true);
        }
        catch (Exception exception) when (OperatingSystem.IsWindows() && exception is (IOException or UnauthorizedAccessException))
        {
            return;
        }

        PartialFile.DeleteRecord(partial.Path);
        _cache.Link(Repository, Commit, file);
        _cache.LinkView(Repository, Commit, file.Path);
    }
}
