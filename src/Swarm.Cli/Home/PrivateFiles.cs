using System.Text;
using Swarm.Cli.Framework;

namespace Swarm.Cli.Home;

/// <summary>Files that only their owner may read: keys and invites. Whoever has one of them is in.</summary>
internal static class PrivateFiles
{
    private const UnixFileMode OwnerFolder = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode OwnerFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode Others =
        UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    /// <summary>Makes a folder and those above it; new ones are the owner's alone.</summary>
    public static void CreateFolder(string path)
    {
        // Windows' folders inherit the rights of the user's profile.
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
            return;
        }

        // The mode holds for the last folder of a path only.
        if (Directory.Exists(path))
            return;
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } above)
            CreateFolder(above);
        Directory.CreateDirectory(path, OwnerFolder);
    }

    /// <summary>Writes a file whole, or leaves the one there: a reader, or a power cut, never finds half of it.</summary>
    public static void Write(string path, ReadOnlySpan<byte> bytes)
    {
        CreateFolder(Path.GetDirectoryName(path)!);
        FileStreamOptions options = new() { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = OwnerFile;

        // Processes of one home may write at once; each has an unfinished file of its own.
        string unfinished = $"{path}.{Environment.ProcessId}.new";
        try
        {
            using (FileStream stream = new(unfinished, options))
            {
                stream.Write(bytes);
                stream.Flush(flushToDisk: true);
            }

            File.Move(unfinished, path, overwrite: true);
        }
        catch
        {
            File.Delete(unfinished);
            throw;
        }
    }

    public static void WriteText(string path, string text) => Write(path, Encoding.UTF8.GetBytes(text + "\n"));

    /// <summary>Reads a small file; null where there is none.</summary>
    /// <exception cref="CommandException">CorruptHome: over the limit.</exception>
    public static byte[]? TryRead(string path, int maxBytes)
    {
        try
        {
            using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            if (stream.Length > maxBytes)
                throw Corrupt(path, $"{stream.Length} bytes, expected at most {maxBytes}");
            byte[] bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    public static string? TryReadText(string path, int maxBytes) => TryRead(path, maxBytes) is { } bytes ? Encoding.UTF8.GetString(bytes).Trim() : null;

    /// <summary>Refuses a secret that others of this machine may read: it may be known already.</summary>
    /// <exception cref="CommandException">OpenFile names the file and what mends it.</exception>
    public static void CheckClosed(string path)
    {
        if (OperatingSystem.IsWindows() || !File.Exists(path))
            return;
        UnixFileMode mode = File.GetUnixFileMode(path);
        if ((mode & Others) != 0)
        {
            throw new CommandException(
                "OpenFile", $"{path}: others may read or write it (mode {Convert.ToString((int)mode, 8)}, expected 600); if nobody did, 'chmod 600' mends it, else delete it");
        }
    }

    public static CommandException Corrupt(string path, string what, Exception? inner = null) =>
        new("CorruptHome", $"{path}: {what}; restore it from a backup, or delete it", inner: inner);
}
