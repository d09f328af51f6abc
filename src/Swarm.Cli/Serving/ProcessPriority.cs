using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Swarm.Cli.Serving;

/// <summary>
/// The processor goes to others first. On Unix a niceness from 0 (as usual) to 19 (only what nobody wants); on Windows 0 is the normal priority class, 1 to 10
/// below normal, 11 to 19 idle. Set before threads that compute are started: these have the niceness of the thread that starts them.
/// </summary>
internal static class ProcessPriority
{
    /// <summary>What a daemon takes unless told otherwise: below normal.</summary>
    public const int DefaultNice = 10;

    private const int WhichProcess = 0;

    // Threads may start while others are being set; each round sees those that came since.
    private const int Rounds = 8;

    /// <summary>Sets the priority of this process with all its threads; never raises it, which only an administrator may.</summary>
    /// <returns>The niceness that holds now, where the platform has one; else what was asked for.</returns>
    public static int Lower(int nice)
    {
        if (OperatingSystem.IsWindows())
        {
            using Process self = Process.GetCurrentProcess();
            self.PriorityClass = nice switch
            {
                0 => ProcessPriorityClass.Normal,
                <= DefaultNice => ProcessPriorityClass.BelowNormal,
                _ => ProcessPriorityClass.Idle,
            };
            return nice;
        }

        if (!OperatingSystem.IsLinux())
        {
            // There the niceness is the process's.
            if (getpriority(WhichProcess, 0) < nice)
                _ = setpriority(WhichProcess, 0, nice);
            return getpriority(WhichProcess, 0);
        }

        HashSet<int> seen = [];
        for (int round = 0; round < Rounds; round++)
        {
            int before = seen.Count;
            foreach (int thread in Threads())
            {
                if (seen.Add(thread) && getpriority(WhichProcess, thread) < nice)
                    _ = setpriority(WhichProcess, thread, nice);
            }

            if (seen.Count == before)
                break;
        }

        return getpriority(WhichProcess, 0);
    }

    private static IEnumerable<int> Threads()
    {
        foreach (string path in Directory.EnumerateDirectories("/proc/self/task"))
        {
            if (int.TryParse(Path.GetFileName(path), out int thread))
                yield return thread;
        }
    }

    [DllImport("libc")]
    private static extern int getpriority(int which, int who);

    [DllImport("libc")]
    private static extern int setpriority(int which, int who, int priority);
}
