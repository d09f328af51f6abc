using System.Text.Json;
using Swarm.Models;

namespace Swarm.Hub;

/// <summary>
/// Models of a hub as they lie in the cache that programs share: brings them whole, opens them in part, lists and removes them. What is whole in the cache is used as it is, and the hub is not asked.
/// </summary>
public sealed class HubStore : IDisposable
{
    private readonly HubOptions _options;
    private readonly HubClient _client;
    private readonly HubCache _cache;

    /// <param name="options">Which hub, as whom, which cache.</param>
    public HubStore(HubOptions options)
    {
        _options = options;
        _client = new HubClient(options);
        _cache = new HubCache(options.CacheFolder);
    }

    /// <summary>Bytes that came from the hub so far, of files and of answers.</summary>
    public long BytesReceived => _client.BytesReceived;

    /// <summary>The cache's folder.</summary>
    public string CacheFolder => _cache.Root;

    /// <summary>Requests made of the hub so far.</summary>
    public long Requests => _client.Requests;

    /// <summary>Brings a model whole, as the hub has it now; what is here already is not brought again.</summary>
    /// <param name="reference">Which.</param>
    /// <param name="progress">Told what came, from any thread, one call at a time.</param>
    /// <param name="cancellationToken">Ends it; what came stays, and the next call goes on from there.</param>
    /// <exception cref="ModelException">ModelNotFound, Gated, Unauthorized, HubUnreachable, ChecksumMismatch, DiskFull, InvalidArgument, UnsupportedModel.</exception>
    public async Task<PulledModel> PullAsync(HubReference reference, Action<HubProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        if (_options.Offline && FindWhole(reference) is { } here)
            return new PulledModel(here.Name, here.Path, here.Commit, here.Files.Count, here.Files.Sum(file => file.Size), 0, null);
        RepositoryListing listing = await _client.ListAsync(reference, cancellationToken);
        FileSelection selection = FileSelection.Choose(reference, listing.Files);
        (listing, selection) = await CompleteAsync(listing, selection, reference, cancellationToken);
        AdoptParts(listing, selection);
        long before = _client.BytesReceived;
        using var model = new PartialModel(_client, _options, _cache, listing, selection, reference.Revision);
        await model.BringAllAsync(progress, cancellationToken);
        CheckShards(reference, listing, selection);
        RemoveView(listing.Repository, listing.Commit);
        return new PulledModel(
            NameOf(reference, selection), PathOf(_cache.Snapshot(listing.Repository, listing.Commit), selection), listing.Commit, selection.Files.Count, selection.Bytes,
            _client.BytesReceived - before, selection.Note);
    }

    /// <summary>
    /// Opens a model. Where it is whole in the cache the hub is not asked. Otherwise what is needed to open it is brought now, and tensors when <see cref="Models.Files.ITensorStore.EnsureAsync"/> asks for them.
    /// </summary>
    /// <param name="reference">Which.</param>
    /// <param name="progress">Told what comes while it is opened.</param>
    /// <param name="cancellationToken">Ends opening.</param>
    /// <returns>The model, and what to tell people of the choice (null: nothing). The store must outlive it.</returns>
    /// <exception cref="ModelException">As <see cref="PullAsync"/>, and as the files' readers say.</exception>
    public async Task<(ModelSource Source, string? Note)> OpenAsync(HubReference reference, Action<HubProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        if (FindWhole(reference) is { } whole)
            return (ModelSource.Open(whole.Path).WithTensors(whole.Name, tensors => tensors), null);
        RepositoryListing listing = await FindListingAsync(reference, cancellationToken);
        FileSelection selection = FileSelection.Choose(reference, listing.Files);
        (listing, selection) = await CompleteAsync(listing, selection, reference, cancellationToken);
        AdoptParts(listing, selection);
        var model = new PartialModel(_client, _options, _cache, listing, selection, reference.Revision);
        try
        {
            await model.PrepareAsync(progress, cancellationToken);
            ModelSource source = ModelSource.Open(PathOf(model.Folder, selection));
            return (source.WithTensors(NameOf(reference, selection), tensors => new HubTensors(tensors, model)), selection.Note);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Every model of which something lies in the cache, by name, whoever brought it.</summary>
    public IReadOnlyList<StoredModel> List() => new CacheShelf(_cache).List();

    /// <summary>Removes what a name means: with a selector one model, without one everything of the revision. Contents that another revision has as well stay.</summary>
    /// <exception cref="ModelException">ModelNotFound: it is not in the cache. InvalidArgument: a program is bringing it.</exception>
    public RemovedModel Remove(HubReference reference) => new CacheShelf(_cache).Remove(reference);

    /// <summary>What a name means of that which is whole here; null where something lacks.</summary>
    internal WholeModel? FindWhole(HubReference reference)
    {
        if (_cache.ReadRef(reference.Repository, reference.Revision) is not { } commit)
            return null;
        List<RepositoryFile> files = _cache.SnapshotFiles(reference.Repository, commit);
        FileSelection selection;
        try
        {
            selection = FileSelection.Choose(reference, files);
        }
        catch (ModelException)
        {
            return null;
        }

        string folder = _cache.Snapshot(reference.Repository, commit);
        return IsWhole(folder, selection) ? new WholeModel(NameOf(reference, selection), PathOf(folder, selection), commit, selection.Files, selection) : null;
    }

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    internal static string NameOf(HubReference reference, FileSelection selection)
    {
        HubReference named = reference with { Selector = reference.Selector ?? (selection.IsGguf ? selection.Quantization : null) };
        return named.Text;
    }

    internal static string PathOf(string folder, FileSelection selection) =>
        selection.IsGguf ? Path.Combine(folder, HubCache.Local(selection.Weights[0].Path)) : folder;

    /// <summary>True where a snapshot has every part of the model, also those that only its own files tell of.</summary>
    internal static bool IsWhole(string folder, FileSelection selection)
    {
        if (selection.IsGguf)
        {
            string name = selection.Weights[0].Path;
            int of = name.LastIndexOf("-of-", StringComparison.Ordinal);
            return of < 0 || name.Length != of + 4 + 5 + 5 || !int.TryParse(name.AsSpan(of + 4, 5), out int parts) || parts == selection.Weights.Count;
        }

        return selection.Files.All(file => file.Path != FileSelection.Index) || ShardsOf(Path.Combine(folder, FileSelection.Index)) is { } shards
            && shards.All(shard => selection.Weights.Any(file => file.Path == shard));
    }

    // Of an index: the files that it names; null where it cannot be read.
    private static HashSet<string>? ShardsOf(string index)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(index));
            return [.. document.RootElement.GetProperty("weight_map").EnumerateObject().Select(pair => pair.Value.GetString() ?? "")];
        }
        catch (Exception exception) when (exception is IOException or JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return null;
        }
    }

    private void CheckShards(HubReference reference, RepositoryListing listing, FileSelection selection)
    {
        if (!IsWhole(_cache.Snapshot(listing.Repository, listing.Commit), selection))
        {
            string found = string.Join(", ", selection.Weights.Select(file => file.Path).Take(4));
            throw new ModelException(ModelError.CorruptModel, $"{reference.Text} lacks parts at the hub: it has {selection.Weights.Count} ({found}), and its index or their names tell of others");
        }
    }

    // What this cache knows of the revision, where something of it is here in part; otherwise what the hub says now.
    private async Task<RepositoryListing> FindListingAsync(HubReference reference, CancellationToken cancellationToken)
    {
        if (_cache.ReadOwnRef(reference.Repository, reference.Revision) is { } commit && _cache.ReadListing(reference.Repository, commit) is { } known)
            return known;
        RepositoryListing listing = await _client.ListAsync(reference, cancellationToken);

        // The hub's name may be another after a renaming; the commit stays with the name that people use.
        return listing;
    }

    // A hub whose list lacks sizes tells them file by file. The list is kept, so that a model that is here in part needs no list to be opened.
    private async Task<(RepositoryListing Listing, FileSelection Selection)> CompleteAsync(
        RepositoryListing listing, FileSelection selection, HubReference reference, CancellationToken cancellationToken)
    {
        if (selection.Files.Any(file => file.ETag.Length == 0))
        {
            Dictionary<string, RepositoryFile> told = [];
            foreach (RepositoryFile file in selection.Files.Where(file => file.ETag.Length == 0))
                told.Add(file.Path, await _client.DescribeAsync(listing.Repository, listing.Commit, file.Path, cancellationToken));
            listing = listing with { Files = [.. listing.Files.Select(file => told.GetValueOrDefault(file.Path, file))] };
            selection = FileSelection.Choose(reference, listing.Files);
        }

        _cache.WriteListing(listing);
        _cache.WriteOwnRef(listing.Repository, reference.Revision, listing.Commit);
        return (listing, selection);
    }

    // What an interrupted transfer of another commit left: the same contents go on from there, others of the same path are of no use.
    private void AdoptParts(RepositoryListing listing, FileSelection selection)
    {
        foreach (string commit in _cache.PartialCommits(listing.Repository).Where(commit => commit != listing.Commit).ToArray())
        {
            foreach (RepositoryFile file in selection.Files)
            {
                string from = Path.Combine(_cache.View(listing.Repository, commit), HubCache.Local(file.Path));
                string to = Path.Combine(_cache.View(listing.Repository, listing.Commit), HubCache.Local(file.Path));
                if (!File.Exists(PartialFile.RecordOf(from)))
                    continue;
                using CacheLock? free = CacheLock.TryTake(_cache.LockFile(listing.Repository, file.ETag));
                if (free is null || File.Exists(PartialFile.RecordOf(to)) || PartialFile.ReadRecord(from, file) is null)
                    continue;
                Directory.CreateDirectory(Path.GetDirectoryName(to)!);
                File.Move(from, to, overwrite: true);
                File.Move(PartialFile.RecordOf(from), PartialFile.RecordOf(to), overwrite: true);
            }
        }
    }

    // A view is needed as long as a file of it has holes.
    private void RemoveView(string repository, string commit)
    {
        string view = _cache.View(repository, commit);
        if (!Directory.Exists(view) || Directory.EnumerateFiles(view, "*.ranges", SearchOption.AllDirectories).Any())
            return;
        Directory.Delete(view, recursive: true);
        if (File.Exists(_cache.ListingFile(repository, commit)))
            File.Delete(_cache.ListingFile(repository, commit));
    }
}
