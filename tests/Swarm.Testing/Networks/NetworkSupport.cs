using Xunit;

namespace Swarm.Testing.Networks;

/// <summary>Whether this machine lets a test make networks of its own.</summary>
public static class NetworkSupport
{
    private static readonly Lazy<string?> LazyIp = new(() => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
        .Concat(["/usr/sbin", "/sbin", "/usr/bin", "/bin"])
        .Select(folder => Path.Combine(folder, "ip"))
        .FirstOrDefault(File.Exists));

    private static readonly Lazy<string?> LazyObstacle = new(FindObstacle);

    /// <summary>Why no network can be made here; null where one can.</summary>
    public static string? Obstacle => LazyObstacle.Value;

    internal static string IpProgram => LazyIp.Value ?? "ip";

    /// <summary>Skips the calling test, a SkippableFact or SkippableTheory, with the reason where the machine does not allow networks.</summary>
    public static void SkipUnlessAllowed() => Skip.If(Obstacle is not null, $"no network namespaces here: {Obstacle}");

    private static string? FindObstacle()
    {
        if (!OperatingSystem.IsLinux())
            return "they are Linux's";
        if (NetworkNative.EffectiveUser() != 0)
            return "they take root";
        if (LazyIp.Value is null)
            return "there is no 'ip' (scripts/install-network installs it)";
        if (!File.Exists("/dev/net/tun"))
            return "there is no /dev/net/tun";

        // Root in a container may still lack the right; only trying tells.
        try
        {
            using TestNetwork network = TestNetwork.Create(1);
            return null;
        }
        catch (IOException exception)
        {
            return exception.Message;
        }
    }
}
