using System.Runtime.InteropServices;

namespace Swarm.Testing.Networks;

/// <summary>The few calls of Linux that namespaces and TAP devices take.</summary>
internal static unsafe partial class NetworkNative
{
    public const short PollIn = 1;

    private const int ReadWrite = 2;
    private const int NonBlocking = 0x800;
    private const int CloseOnExec = 0x80000;
    private const nuint SetInterface = 0x400454CA;
    private const short Tap = 0x0002;
    private const short NoPacketInformation = 0x1000;
    private const int NewNetwork = 0x40000000;
    private const int TryAgain = 11;

    /// <summary>A new TAP device; it goes when its descriptor is closed.</summary>
    public static int OpenTap(string name)
    {
        int descriptor = open("/dev/net/tun", ReadWrite | NonBlocking | CloseOnExec);
        if (descriptor < 0)
            throw Failure("open /dev/net/tun");
        byte* request = stackalloc byte[40];
        new Span<byte>(request, 40).Clear();
        for (int index = 0; index < name.Length; index++)
            request[index] = (byte)name[index];
        *(short*)(request + 16) = Tap | NoPacketInformation;
        if (ioctl(descriptor, SetInterface, request) < 0)
        {
            IOException failure = Failure($"make the TAP device {name}");
            close(descriptor);
            throw failure;
        }

        return descriptor;
    }

    public static void Close(int descriptor) => close(descriptor);

    public static int OpenEvent()
    {
        int descriptor = eventfd(0, NonBlocking | CloseOnExec);
        return descriptor < 0 ? throw Failure("eventfd") : descriptor;
    }

    public static void Signal(int eventDescriptor)
    {
        ulong one = 1;
        write(eventDescriptor, &one, sizeof(ulong));
    }

    /// <summary>Reads a frame; 0 when there is none.</summary>
    public static int Read(int descriptor, Span<byte> frame)
    {
        fixed (byte* start = frame)
        {
            nint read = NetworkNative.read(descriptor, start, (nuint)frame.Length);
            if (read < 0 && Marshal.GetLastPInvokeError() != TryAgain)
                throw Failure("read a frame");
            return (int)Math.Max(read, 0);
        }
    }

    /// <summary>Writes a frame; a host that cannot take it loses it, as a full queue does.</summary>
    public static bool Write(int descriptor, ReadOnlySpan<byte> frame)
    {
        fixed (byte* start = frame)
            return write(descriptor, start, (nuint)frame.Length) == frame.Length;
    }

    /// <summary>Waits until a descriptor can be read, at most so long.</summary>
    public static void Poll(Span<PollEntry> entries, TimeSpan? most)
    {
        TimeSpec time = default;
        if (most is { } limit)
            time = new TimeSpec(limit.Ticks / TimeSpan.TicksPerSecond, limit.Ticks % TimeSpan.TicksPerSecond * 100);
        fixed (PollEntry* first = entries)
            ppoll(first, (ulong)entries.Length, most is null ? null : &time, null);
    }

    /// <summary>Moves the calling thread to a named network namespace.</summary>
    public static void Enter(string name)
    {
        int descriptor = open($"/run/netns/{name}", CloseOnExec);
        if (descriptor < 0)
            throw Failure($"open the namespace {name}");
        int result = setns(descriptor, NewNetwork);
        IOException? failure = result < 0 ? Failure($"enter the namespace {name}") : null;
        close(descriptor);
        if (failure is not null)
            throw failure;
    }

    [LibraryImport("libc", EntryPoint = "geteuid")]
    public static partial uint EffectiveUser();

    private static IOException Failure(string what) => new($"{what}: {Marshal.GetLastPInvokeErrorMessage()}");

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags);

    [LibraryImport("libc")]
    private static partial int close(int descriptor);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ioctl(int descriptor, nuint request, void* argument);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int eventfd(uint initial, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint read(int descriptor, void* buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint write(int descriptor, void* buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ppoll(PollEntry* entries, ulong count, TimeSpec* most, void* mask);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setns(int descriptor, int kind);

    [StructLayout(LayoutKind.Sequential)]
    internal struct PollEntry
    {
        public int Descriptor;
        public short Asked;
        public short Got;
    }

    [StructLayout(LayoutKind.Sequential)]
    private readonly struct TimeSpec(long seconds, long nanoseconds)
    {
        public readonly long Seconds = seconds;
        public readonly long Nanoseconds = nanoseconds;
    }
}
