using System.Text.Json;
using Microsoft.Win32.SafeHandles;

namespace Swarm.Hub;

/// <summary>
/// A file of which some ranges are here: as long as the whole from the start, with holes, and a record of the ranges beside it. The record is written after the bytes that it tells of have
/// reached the disk, and replaced whole, so that it never tells too much.
/// </summary>
internal sealed class PartialFile : IDisposable
{
    // Bytes that a crash may cost.
    private const long SaveEvery = 16L << 20;

    private readonly string _record;
    private readonly SafeFileHandle _handle;
    private readonly RangeSet _here = new();
    private readonly Lock _gate = new();
    private long _unsaved;

    private PartialFile(string path, RepositoryFile file, SafeFileHandle handle)
    {
        Path = path;
        File = file;
        _record = RecordOf(path);
        _handle = handle;
    }

    public string Path { get; }

    public RepositoryFile File { get; }

    /// <summary>Bytes that are here.</summary>
    public long Length
    {
        get
        {
            lock (_gate)
                return _here.Length;
        }
    }

    public bool IsWhole => Length == File.Size;

    public static string RecordOf(string path) => path + ".ranges";

    /// <summary>Opens a file, or makes it where it is not there or is of other contents.</summary>
    public static PartialFile Open(string path, RepositoryFile file)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        RangeSet? known = ReadRecord(path, file);
        if (known is null)
        {
            System.IO.File.Delete(path);
            System.IO.File.Delete(RecordOf(path));
        }

        SafeFileHandle handle = System.IO.File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        var partial = new PartialFile(path, file, handle);
        if (RandomAccess.GetLength(handle) != file.Size)
            RandomAccess.SetLength(handle, file.Size);
        else if (known is not null)
            known.Ranges.ToList().ForEach(partial._here.Add);
        return partial;
    }

    /// <summary>Which ranges of a file are here, by its record; null: none, or of other contents.</summary>
    public static RangeSet? ReadRecord(string path, RepositoryFile file)
    {
        try
        {
            return System.IO.File.Exists(path) && System.IO.File.Exists(RecordOf(path)) ? ParseRecord(System.IO.File.ReadAllBytes(RecordOf(path)), file) : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Reads a record; null: it is broken, or of other contents.</summary>
    public static RangeSet? ParseRecord(ReadOnlyMemory<byte> bytes, RepositoryFile file)
    {
        try
        {
            using JsonDocument record = JsonDocument.Parse(bytes);
            JsonElement root = record.RootElement;
            if (root.GetProperty("etag").GetString() != file.ETag || root.GetProperty("size").GetInt64() != file.Size)
                return null;
            var here = new RangeSet();
            foreach (JsonElement range in root.GetProperty("ranges").EnumerateArray())
            {
                var one = new ByteRange(range[0].GetInt64(), range[1].GetInt64());
                if (one.Start < 0 || one.Start > one.End || one.End > file.Size)
                    return null;
                here.Add(one);
            }

            return here;
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or IndexOutOfRangeException)
        {
            return null;
        }
    }

    /// <summary>What of a range is not here.</summary>
    public List<ByteRange> Missing(ByteRange range)
    {
        lock (_gate)
            return _here.Missing(range);
    }

    /// <summary>Puts bytes to their place. Several may write at once, to different places.</summary>
    public void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        RandomAccess.Write(_handle, bytes, offset);
        lock (_gate)
        {
            _here.Add(new ByteRange(offset, offset + bytes.Length));
            _unsaved += bytes.Length;
            if (_unsaved >= SaveEvery)
                SaveLocked();
        }
    }

    /// <summary>Holds a range for not here: what came is not to be trusted.</summary>
    public void Forget(ByteRange range)
    {
        lock (_gate)
            _here.Remove(range);
    }

    /// <summary>Writes the record.</summary>
    public void Save()
    {
        lock (_gate)
            SaveLocked();
    }

    /// <summary>Deletes the record alone: the file has become a whole one.</summary>
    public static void DeleteRecord(string path)
    {
        if (System.IO.File.Exists(RecordOf(path)))
            System.IO.File.Delete(RecordOf(path));
    }

    /// <summary>Deletes a file and its record.</summary>
    public static void Delete(string path)
    {
        System.IO.File.Delete(RecordOf(path));
        System.IO.File.Delete(path);
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    private void SaveLocked()
    {
        RandomAccess.FlushToDisk(_handle);
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("etag", File.ETag);
            json.WriteNumber("size", File.Size);
            json.WriteStartArray("ranges");
            foreach (ByteRange range in _here.Ranges)
            {
                json.WriteStartArray();
                json.WriteNumberValue(range.Start);
                json.WriteNumberValue(range.End);
                json.WriteEndArray();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        HubCache.WriteWhole(_record, stream.ToArray());
        _unsaved = 0;
    }
}
