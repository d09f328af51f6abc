namespace Swarm.Node.Measurement;

/// <summary>What the machine has free.</summary>
internal static class AvailableMemory
{
    /// <summary>Bytes that programs can still take, as the runtime reads them from the platform: within the container's limit where there is one.</summary>
    public static long Read()
    {
        // The runtime looks when it collects, and a program that has just started has not.
        GC.Collect(0, GCCollectionMode.Forced, blocking: true);
        GCMemoryInfo info = GC.GetGCMemoryInfo(GCKind.Any);
        return Math.Max(0, info.TotalAvailableMemoryBytes - info.MemoryLoadBytes);
    }
}
