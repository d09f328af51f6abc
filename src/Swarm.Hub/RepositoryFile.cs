namespace Swarm.Hub;

/// <summary>One file of a repository at a commit.</summary>
/// <param name="Path">Its path in the repository, with slashes.</param>
/// <param name="Size">Its bytes.</param>
/// <param name="ETag">What names its contents: 64 hex digits, their SHA-256, for large files; 40, the SHA-1 of the git blob, for others.</param>
public sealed record RepositoryFile(string Path, long Size, string ETag)
{
    internal const int MaxPathLength = 1024;

    /// <summary>True where <see cref="ETag"/> is the SHA-256 of the contents, false where it is git's SHA-1.</summary>
    public bool HasSha256 => ETag.Length == 64;

    /// <summary>The last component.</summary>
    public string Name => Path[(Path.LastIndexOf('/') + 1)..];

    internal ByteRange All => new(0, Size);

    /// <summary>True for a path that stays below the folder it is put into, whatever the platform.</summary>
    internal static bool IsSafePath(string path) =>
        path.Length is > 0 and <= MaxPathLength
        && path.All(letter => letter >= ' ' && letter is not ('\\' or ':' or '*' or '?' or '"' or '<' or '>' or '|' or '\x7f'))
        && path.Split('/').All(part => part.Length > 0 && part is not ("." or "..") && !part.EndsWith('.') && !part.EndsWith(' '));

    internal static bool IsHex(string text, params ReadOnlySpan<int> lengths) =>
        lengths.Contains(text.Length) && text.All(letter => letter is (>= '0' and <= '9') or (>= 'a' and <= 'f'));
}
