using System.Security.Cryptography;
using Google.Protobuf;

namespace Swarm.Protocol.Weights;

/// <summary>
/// Files named by the SHA-256 of their bytes, below one folder; several processes may share it. What is here was checked when it came, and is checked again by whoever loads it. A file
/// appears under its name when it is whole; until then it is a draft, which a later process goes on with.
/// </summary>
/// <param name="folder">Made when something is first written.</param>
public sealed class BlobStore(string folder)
{
    private const int HashChunkBytes = 1 << 20;

    /// <summary>Where it lies.</summary>
    public string Folder => folder;

    /// <summary>Where a file of this hash is, or would be.</summary>
    /// <param name="sha256">32 bytes.</param>
    public string PathOf(ReadOnlySpan<byte> sha256)
    {
        string name = Convert.ToHexStringLower(sha256);
        return Path.Combine(folder, name[..2], name);
    }

    /// <summary>Length of the whole file of this hash; null where it is not here.</summary>
    public long? Find(ReadOnlySpan<byte> sha256)
    {
        var file = new FileInfo(PathOf(sha256));
        return file.Exists ? file.Length : null;
    }

    /// <summary>Copies bytes of a whole file; false where they are not here.</summary>
    public bool TryRead(ReadOnlySpan<byte> sha256, long offset, Span<byte> target)
    {
        try
        {
            using var file = File.OpenHandle(PathOf(sha256), FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
            while (!target.IsEmpty)
            {
                int read = RandomAccess.Read(file, target, offset);
                if (read == 0)
                    return false;
                target = target[read..];
                offset += read;
            }

            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>The whole of something small; null where it is not here or no longer what its name says.</summary>
    public byte[]? ReadWhole(ReadOnlySpan<byte> sha256, long mostBytes)
    {
        if (Find(sha256) is not { } length || length > mostBytes)
            return null;
        byte[] bytes = new byte[length];
        return TryRead(sha256, 0, bytes) && sha256.SequenceEqual(SHA256.HashData(bytes)) ? bytes : null;
    }

    /// <summary>Keeps something small, under the hash that it has.</summary>
    /// <exception cref="IOException">The disk refuses.</exception>
    public void Put(ReadOnlySpan<byte> bytes)
    {
        byte[] sha256 = SHA256.HashData(bytes);
        string path = PathOf(sha256);
        if (File.Exists(path))
            return;
        using BlobDraft draft = Begin(ByteString.CopyFrom(sha256), bytes.Length);
        draft.Write(0, bytes);
        draft.TryFinish();
    }

    /// <summary>Begins a file, or goes on with a draft of it.</summary>
    /// <exception cref="IOException">The disk refuses.</exception>
    public BlobDraft Begin(ByteString sha256, long length) => new(PathOf(sha256.Span), sha256, length);

    /// <summary>Throws away a whole file that is not what its name says.</summary>
    public void Remove(ReadOnlySpan<byte> sha256) => File.Delete(PathOf(sha256));

    /// <summary>Bytes of all whole files.</summary>
    public long TotalBytes() => System.IO.Directory.Exists(folder)
        ? new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories).Where(file => file.Name.Length == 2 * PeerId.Length).Sum(file => file.Length)
        : 0;

    /// <summary>Bytes that the disk has room for; null where nobody knows.</summary>
    public long? FreeBytes()
    {
        try
        {
            System.IO.Directory.CreateDirectory(folder);
            return new DriveInfo(Path.GetFullPath(folder)).AvailableFreeSpace;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }

    internal static bool HasHash(Microsoft.Win32.SafeHandles.SafeFileHandle file, long length, ReadOnlySpan<byte> sha256)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[(int)Math.Min(HashChunkBytes, length)];
        for (long offset = 0; offset < length;)
        {
            int read = RandomAccess.Read(file, buffer.AsSpan(0, (int)Math.Min(buffer.Length, length - offset)), offset);
            if (read == 0)
                return false;
            hash.AppendData(buffer.AsSpan(0, read));
            offset += read;
        }

        return sha256.SequenceEqual(hash.GetHashAndReset());
    }
}
