using System.IO.MemoryMappedFiles;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Swarm.Models.Files;

/// <summary>
/// A whole file mapped for reading. Its pages belong to the page cache, not to this process: a model larger than memory can be opened, and what is
/// not touched is not read.
/// </summary>
internal sealed unsafe class MappedFile : IDisposable
{
    private readonly MemoryMappedFile? _file;
    private readonly MemoryMappedViewAccessor? _view;
    private readonly byte[]? _memory;
    private byte* _start;

    /// <exception cref="ModelException">ModelNotFound: the file is absent or cannot be read.</exception>
    public MappedFile(string path)
    {
        Path = path;
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            Length = stream.Length;

            // An empty file cannot be mapped; its parser says what is missing.
            if (Length == 0)
                return;
            _file = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
            _view = _file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            _file?.Dispose();
            throw new ModelException(ModelError.ModelNotFound, $"cannot read {path}: {exception.Message}", exception);
        }

        byte* start = null;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        _start = start + _view.PointerOffset;
    }

    /// <summary>Bytes that are in memory already, as a file of this name.</summary>
    public MappedFile(string name, ReadOnlySpan<byte> bytes)
    {
        Path = name;
        Length = bytes.Length;
        _memory = GC.AllocateUninitializedArray<byte>(Math.Max(1, bytes.Length), pinned: true);
        bytes.CopyTo(_memory);
        _start = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_memory));
    }

    public string Path { get; }

    public long Length { get; }

    /// <summary>Bytes [offset, offset + length) of the file; the caller has checked that they exist.</summary>
    public ReadOnlySpan<byte> Slice(long offset, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length - offset);
        if (length == 0)
            return [];
        ObjectDisposedException.ThrowIf(_start is null, this);
        return new ReadOnlySpan<byte>(_start + offset, length);
    }

    /// <summary>Lets the operating system drop the range, and what its reading brought in around it; reading that again costs some page faults, no more.</summary>
    public void Release(long offset, long length)
    {
        if (_view is null || !OperatingSystem.IsLinux())
            return;
        long page = Environment.SystemPageSize;
        long mapped = (Length + page - 1) / page * page;
        long first = Math.Max(0, offset / page * page - FaultAround);
        long end = Math.Min(mapped, (offset + length + page - 1) / page * page + FaultAround);
        if (first < end)
            _ = MAdvise((nint)(_start + first), (nuint)(end - first), AdviceDontNeed);
    }

    public void Dispose()
    {
        if (_start is not null)
        {
            _view?.SafeMemoryMappedViewHandle.ReleasePointer();
            _start = null;
        }

        _view?.Dispose();
        _file?.Dispose();
    }

    private const int AdviceDontNeed = 4;

    // A page that is touched is mapped with its neighbours, where the page cache has them: Linux maps 64 KB.
    private const long FaultAround = 1 << 16;

    // A shared read-only mapping of a file loses nothing by MADV_DONTNEED: its pages stay in the page cache and are mapped again when touched.
    [DllImport("libc", EntryPoint = "madvise")]
    private static extern int MAdvise(nint address, nuint length, int advice);
}
