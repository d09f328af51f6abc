using Microsoft.Win32.SafeHandles;
using Swarm.Protocol;

namespace Swarm.Node.Sessions;

/// <summary>
/// Pages of a session that its memory does not hold, in a file without a name: nothing of it outlives the process. Made when first needed. A file that fails
/// once is done with; whoever needs its pages goes without. One owner, one thread at a time.
/// </summary>
internal sealed class SpillFile(string? folder = null, long mostBytes = ChainLimits.MaxSpilledBytes) : IDisposable
{
    private readonly Stack<int> _free = [];
    private SafeFileHandle? _file;
    private int _slots;

    /// <summary>It could not be made, written or read.</summary>
    public bool HasFailed { get; private set; }

    /// <summary>A place for a page that nobody else has; null where the bound or the disk allows none.</summary>
    public int? TryTakeSlot(int pageBytes)
    {
        if (HasFailed)
            return null;
        if (_free.TryPop(out int slot))
            return slot;
        return (_slots + 1L) * pageBytes <= mostBytes && TryOpen() ? _slots++ : null;
    }

    /// <summary>The page there is needed no more.</summary>
    public void ReturnSlot(int slot) => _free.Push(slot);

    /// <summary>False when the disk does not take it.</summary>
    public bool TryWrite(long offset, ReadOnlySpan<byte> bytes)
    {
        try
        {
            if (HasFailed)
                return false;
            RandomAccess.Write(_file!, bytes, offset);
            return true;
        }
        catch (Exception exception) when (IsOfTheDisk(exception))
        {
            HasFailed = true;
            return false;
        }
    }

    /// <summary>False when the disk does not give it back.</summary>
    public bool TryRead(long offset, Span<byte> bytes)
    {
        try
        {
            while (!HasFailed && bytes.Length > 0)
            {
                int read = RandomAccess.Read(_file!, bytes, offset);
                HasFailed = read == 0;
                offset += read;
                bytes = bytes[read..];
            }
        }
        catch (Exception exception) when (IsOfTheDisk(exception))
        {
            HasFailed = true;
        }

        return !HasFailed;
    }

    public void Dispose()
    {
        HasFailed = true;
        _file?.Dispose();
    }

    private bool TryOpen()
    {
        if (_file is not null)
            return true;
        try
        {
            // The name is nobody's to guess and nothing depends on it.
            string path = Path.Combine(folder ?? Path.GetTempPath(), $"swarm-{Path.GetRandomFileName()}");
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Share = FileShare.Delete, BufferSize = 0 };
            if (OperatingSystem.IsWindows())
                options.Options = FileOptions.DeleteOnClose;
            else
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            // The stream's handle outlives it: only the handle is used.
            _file = new FileStream(path, options).SafeFileHandle;
            if (!OperatingSystem.IsWindows())
                File.Delete(path);
        }
        catch (Exception exception) when (IsOfTheDisk(exception))
        {
            HasFailed = true;
        }

        return !HasFailed;
    }

    private static bool IsOfTheDisk(Exception exception) =>
        exception is IOException or UnauthorizedAccessException or NotSupportedException or ObjectDisposedException;
}
