using Swarm.Protocol;
using Swarm.Protocol.Directory;
using Swarm.Protocol.Wire;

namespace Swarm.Cli.Framework;

/// <summary>Where the program writes and where its configuration lies. Nothing is created before something is written.</summary>
internal sealed class HomeFolder(string path)
{
    public const string ConfigFileName = "swarm.json";

    /// <summary>Addresses of one swarm that the home keeps; each that is gone costs whoever dials a moment.</summary>
    private const int MaxKeptAddresses = 4;

    public string Path { get; } = path;

    /// <summary>The invite of the swarm that this home founded or joined last.</summary>
    public string InvitePath => System.IO.Path.Combine(Path, "invite");

    /// <summary>True when this home founded the swarm whose invite it remembers.</summary>
    public bool IsFounder =>
        TryRead(InvitePath) is { } remembered && TryRead(FoundedPath) is { } founded && remembered.Swarm == founded.Swarm;

    private string FoundedPath => System.IO.Path.Combine(Path, "founded");

    /// <summary>The home by the platform's conventions.</summary>
    public static string DefaultPath(Func<string, string?> environment)
    {
        if (OperatingSystem.IsWindows() || OperatingSystem.IsMacOS())
        {
            return System.IO.Path.Combine(
                Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), "swarm");
        }

        string data = environment("XDG_DATA_HOME") is { Length: > 0 } given && System.IO.Path.IsPathRooted(given)
            ? given
            : System.IO.Path.Combine(environment("HOME") ?? "/", ".local", "share");
        return System.IO.Path.Combine(data, "swarm");
    }

    /// <summary>The configuration folder by the platform's conventions; a home that was named holds its own configuration.</summary>
    public static string DefaultConfigFolder(Func<string, string?> environment)
    {
        if (OperatingSystem.IsWindows() || OperatingSystem.IsMacOS())
        {
            return System.IO.Path.Combine(
                Environment.GetFolderPath(Environment.SpecialFolder.ApplicationData, Environment.SpecialFolderOption.DoNotVerify), "swarm");
        }

        string config = environment("XDG_CONFIG_HOME") is { Length: > 0 } given && System.IO.Path.IsPathRooted(given)
            ? given
            : System.IO.Path.Combine(environment("HOME") ?? "/", ".config");
        return System.IO.Path.Combine(config, "swarm");
    }

    /// <summary>The remembered invite, or null.</summary>
    public string? ReadInvite() => File.Exists(InvitePath) ? File.ReadAllText(InvitePath).Trim() : null;

    /// <summary>
    /// Remembers an invite; only this user may read it, because who has it is in. Addresses that the home knows of the same swarm are kept behind the
    /// new ones: several nodes may share a home, and any of them that is up lets others in.
    /// </summary>
    public void WriteInvite(string invite, bool founded)
    {
        Invite merged = InviteText.Parse(invite);
        if (TryRead(InvitePath) is { } known && known.Swarm == merged.Swarm)
            merged.Addresses.AddRange(known.Addresses.Except(merged.Addresses).Take(Math.Max(0, MaxKeptAddresses - merged.Addresses.Count)).ToArray());
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(Path);
        else
            Directory.CreateDirectory(Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        if (founded)
            WritePrivately(FoundedPath, invite);
        WritePrivately(InvitePath, InviteText.Write(merged));
    }

    private static Invite? TryRead(string path)
    {
        try
        {
            return File.Exists(path) ? InviteText.Parse(File.ReadAllText(path).Trim()) : null;
        }
        catch (SwarmException)
        {
            // A file that somebody has spoiled names no swarm.
            return null;
        }
    }

    private static void WritePrivately(string path, string text)
    {
        FileStreamOptions options = new() { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;

        // Written beside and moved over: a reader never sees half an invite.
        string unfinished = path + ".new";
        using (StreamWriter writer = new(unfinished, options))
            writer.WriteLine(text);
        File.Move(unfinished, path, overwrite: true);
    }
}
