using System.Runtime.InteropServices;

namespace Swarm.Kernels;

/// <summary>What the operating system may do with memory; hints that may come to nothing, on Linux only.</summary>
internal static unsafe class MemoryAdvice
{
    /// <summary>Bytes of a large page.</summary>
    public const long LargePage = 2 << 20;

    private const long SmallPage = 4096;
    private const int DontNeed = 4;
    private const int HugePage = 14;

    /// <summary>Asks for large pages, which spare address translation when megabytes are streamed.</summary>
    public static void LargePages(byte* start, long bytes) => Advise(start, bytes, LargePage, HugePage);

    /// <summary>Gives the memory back; what it held is lost.</summary>
    public static void Drop(byte* start, long bytes) => Advise(start, bytes, SmallPage, DontNeed);

    // Only pages that lie inside entirely.
    private static void Advise(byte* start, long bytes, long page, int advice)
    {
        if (!OperatingSystem.IsLinux())
            return;
        page = Math.Max(page, Environment.SystemPageSize);
        long first = ((long)start + page - 1) / page * page;
        long end = ((long)start + bytes) / page * page;
        if (first < end)
            _ = Advise((nint)first, (nuint)(end - first), advice);
    }

    [DllImport("libc", EntryPoint = "madvise")]
    private static extern int Advise(nint address, nuint length, int advice);
}
