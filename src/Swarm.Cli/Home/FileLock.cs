namespace Swarm.Cli.Home;

/// <summary>A lock between processes: a file that one of them holds open. It goes with the process, however that goes; the file stays.</summary>
internal sealed class FileLock : IDisposable
{
    // A sharing violation on Windows; EWOULDBLOCK elsewhere.
    private const int Taken = unchecked((int)0x80070020);
    private const int TakenOnLinux = 11;
    private const int TakenOnMac = 35;

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    private readonly FileStream _file;

    private FileLock(FileStream file) => _file = file;

    /// <summary>Takes the lock, or null while another process has it.</summary>
    public static FileLock? TryTake(string path)
    {
        PrivateFiles.CreateFolder(Path.GetDirectoryName(path)!);
        FileStreamOptions options = new() { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        try
        {
            return new FileLock(new FileStream(path, options));
        }
        catch (IOException exception) when (exception.HResult is Taken or TakenOnLinux or TakenOnMac)
        {
            return null;
        }
    }

    /// <summary>Waits for the lock; null when it stays taken for longer than the patience.</summary>
    public static async Task<FileLock?> TakeAsync(string path, TimeSpan patience, TimeProvider time, CancellationToken cancellationToken)
    {
        long begun = time.GetTimestamp();
        while (true)
        {
            if (TryTake(path) is { } taken)
                return taken;
            if (time.GetElapsedTime(begun) > patience)
                return null;

            // No platform tells when another process lets go of a file.
            await Task.Delay(Interval, time, cancellationToken);
        }
    }

    public void Dispose() => _file.Dispose();
}
