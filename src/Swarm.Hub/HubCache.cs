using System.Security.Cryptography;
using System.Text;
using Swarm.Models;

namespace Swarm.Hub;

/// <summary>
/// The cache's folders, as other programs lay them out: <c>models--org--name/blobs/ETAG</c> holds contents, <c>snapshots/COMMIT/PATH</c> links to them, <c>refs/REVISION</c> names a
/// commit. What is here in part lies apart, under <c>.swarm/COMMIT/PATH</c>, where nobody takes it for a whole file or for the beginning of one.
/// </summary>
internal sealed class HubCache(string root)
{
    private const string Own = ".swarm";

    public string Root { get; } = root;

    public string RepositoryFolder(string repository) => Path.Combine(Root, "models--" + repository.Replace("/", "--", StringComparison.Ordinal));

    public string BlobsFolder(string repository) => Path.Combine(RepositoryFolder(repository), "blobs");

    public string Blob(string repository, string tag) => Path.Combine(BlobsFolder(repository), tag);

    public string SnapshotsFolder(string repository) => Path.Combine(RepositoryFolder(repository), "snapshots");

    public string Snapshot(string repository, string commit) => Path.Combine(SnapshotsFolder(repository), commit);

    public string RefsFolder(string repository) => Path.Combine(RepositoryFolder(repository), "refs");

    /// <summary>Everything of this repository that other programs do not know.</summary>
    public string OwnFolder(string repository) => Path.Combine(RepositoryFolder(repository), Own);

    /// <summary>A folder with all files of a commit that were asked for: links to the whole ones, sparse files for the others.</summary>
    public string View(string repository, string commit) => Path.Combine(OwnFolder(repository), commit);

    public string OwnRefsFolder(string repository) => Path.Combine(OwnFolder(repository), "refs");

    public string LockFile(string repository, string name) => Path.Combine(Root, ".locks", Path.GetFileName(RepositoryFolder(repository)), name + ".lock");

    /// <summary>The repositories that have a folder here, in order.</summary>
    public IEnumerable<string> Repositories()
    {
        if (!Directory.Exists(Root))
            return [];
        return Directory.GetDirectories(Root, "models--*").Select(folder => Path.GetFileName(folder)["models--".Length..].Replace("--", "/", StringComparison.Ordinal))
            .Where(name => name.Count(letter => letter == '/') <= 1).Order(StringComparer.Ordinal);
    }

    /// <summary>The commits that have a snapshot here.</summary>
    public IEnumerable<string> Commits(string repository) => Below(SnapshotsFolder(repository));

    /// <summary>The commits of which something is here in part.</summary>
    public IEnumerable<string> PartialCommits(string repository) => Below(OwnFolder(repository));

    /// <summary>The commit that a revision was when it was last asked for; null: not known here.</summary>
    public string? ReadRef(string repository, string revision) => ReadRefIn(RefsFolder(repository), revision);

    /// <summary>The same of models that are here in part.</summary>
    public string? ReadOwnRef(string repository, string revision) => ReadRefIn(OwnRefsFolder(repository), revision);

    public void WriteRef(string repository, string revision, string commit) => WriteRefIn(RefsFolder(repository), revision, commit);

    public void WriteOwnRef(string repository, string revision, string commit) => WriteRefIn(OwnRefsFolder(repository), revision, commit);

    public RepositoryListing? ReadListing(string repository, string commit)
    {
        string path = ListingFile(repository, commit);
        if (!File.Exists(path))
            return null;
        try
        {
            return RepositoryListing.Parse(repository, File.ReadAllBytes(path), path) is { } listing && listing.Commit == commit ? listing : null;
        }
        catch (ModelException)
        {
            // A file that broke is asked for anew.
            return null;
        }
    }

    public void WriteListing(RepositoryListing listing) => WriteWhole(ListingFile(listing.Repository, listing.Commit), listing.ToJson());

    public string ListingFile(string repository, string commit) => View(repository, commit) + ".json";

    /// <summary>True where a snapshot has the whole file.</summary>
    public bool IsHere(string repository, string commit, string path) => WholeFile(Path.Combine(Snapshot(repository, commit), Local(path))) is not null;

    /// <summary>A file, or what a link leads to; null where there is none, or the link leads to nothing.</summary>
    public static FileInfo? WholeFile(string path)
    {
        // A link that leads to nothing counts as a file that exists.
        var file = new FileInfo(path);
        return !file.Exists ? null : file.LinkTarget is null ? file : file.ResolveLinkTarget(returnFinalTarget: true) is FileInfo { Exists: true } target ? target : null;
    }

    /// <summary>The files of a snapshot, as far as they are whole.</summary>
    public List<RepositoryFile> SnapshotFiles(string repository, string commit)
    {
        string folder = Snapshot(repository, commit);
        List<RepositoryFile> files = [];
        if (!Directory.Exists(folder))
            return files;
        foreach (string path in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            if (WholeFile(path) is { } whole)
                files.Add(new RepositoryFile(Path.GetRelativePath(folder, path).Replace('\\', '/'), whole.Length, whole.FullName == Path.GetFullPath(path) ? "" : whole.Name));
        }

        return files;
    }

    /// <summary>Makes a blob the file of a snapshot: by a relative link, or where there are none by moving it there.</summary>
    public void Link(string repository, string commit, RepositoryFile file)
    {
        string place = Path.Combine(Snapshot(repository, commit), Local(file.Path));
        string blob = Blob(repository, file.ETag);
        Directory.CreateDirectory(Path.GetDirectoryName(place)!);
        if (WholeFile(place) is not null)
            return;
        File.Delete(place);
        if (!TryLink(place, Path.GetRelativePath(Path.GetDirectoryName(place)!, blob)))
            File.Move(blob, place);
    }

    /// <summary>Lets a view have a snapshot's file.</summary>
    public void LinkView(string repository, string commit, string path)
    {
        string place = Path.Combine(View(repository, commit), Local(path));
        string whole = Path.Combine(Snapshot(repository, commit), Local(path));
        Directory.CreateDirectory(Path.GetDirectoryName(place)!);
        if (new FileInfo(place).LinkTarget is not null && WholeFile(place) is not null)
            return;
        File.Delete(place);
        if (!TryLink(place, Path.GetRelativePath(Path.GetDirectoryName(place)!, whole)))
            File.Copy(whole, place);
    }

    /// <summary>A repository's path in the platform's form.</summary>
    public static string Local(string path) => path.Replace('/', Path.DirectorySeparatorChar);

    /// <summary>Compares a whole file with what the hub named it by.</summary>
    /// <exception cref="ModelException">ChecksumMismatch, with both checksums.</exception>
    public static void Verify(string path, RepositoryFile file, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(file.HasSha256 ? HashAlgorithmName.SHA256 : HashAlgorithmName.SHA1);
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1);
        if (!file.HasSha256)
            hash.AppendData(Encoding.ASCII.GetBytes($"blob {stream.Length}\0"));
        byte[] buffer = new byte[1 << 20];
        for (int count; (count = stream.Read(buffer)) > 0;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            hash.AppendData(buffer.AsSpan(0, count));
        }

        string seen = Convert.ToHexStringLower(hash.GetHashAndReset());
        if (seen != file.ETag)
        {
            throw new ModelException(
                ModelError.ChecksumMismatch, $"{file.Path}: the bytes that came have {(file.HasSha256 ? "SHA-256" : "git's SHA-1")} {seen}, the hub names {file.ETag}; it is not taken");
        }
    }

    /// <summary>Writes a small file so that it is there whole or not at all.</summary>
    public static void WriteWhole(string path, ReadOnlySpan<byte> bytes)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        string beside = path + ".tmp";
        File.WriteAllBytes(beside, bytes);
        File.Move(beside, path, overwrite: true);
    }

    private static IEnumerable<string> Below(string folder) =>
        Directory.Exists(folder) ? Directory.GetDirectories(folder).Select(path => Path.GetFileName(path)).Where(name => RepositoryFile.IsHex(name, 40)).Order(StringComparer.Ordinal) : [];

    private static string? ReadRefIn(string folder, string revision)
    {
        if (RepositoryFile.IsHex(revision, 40))
            return revision;
        string path = Path.Combine(folder, Local(revision));
        if (!File.Exists(path) || new FileInfo(path).Length > 100)
            return null;
        string commit = File.ReadAllText(path).Trim();
        return RepositoryFile.IsHex(commit, 40) ? commit : null;
    }

    private static void WriteRefIn(string folder, string revision, string commit)
    {
        if (!RepositoryFile.IsHex(revision, 40))
            WriteWhole(Path.Combine(folder, Local(revision)), Encoding.ASCII.GetBytes(commit));
    }

    private static bool TryLink(string place, string target)
    {
        try
        {
            File.CreateSymbolicLink(place, target);
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or PlatformNotSupportedException)
        {
            return false;
        }
    }
}
