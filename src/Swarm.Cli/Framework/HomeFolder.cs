namespace Swarm.Cli.Framework;

/// <summary>Where the program writes and where its configuration lies. Nothing is created before something is written.</summary>
internal sealed class HomeFolder(string path)
{
    public const string ConfigFileName = "swarm.json";

    public string Path { get; } = path;

    /// <summary>What came of models from other nodes: tensors by their hashes, shared by all models and processes of the home.</summary>
    public string TensorsPath => System.IO.Path.Combine(Path, "tensors");

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
}
