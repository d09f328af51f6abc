using Swarm.Models;
using Swarm.Models.Blocks;
using Swarm.Protocol;

namespace Swarm.Node.Placement;

/// <summary>How a node's memory is divided: a quarter, and at least 1,024 positions, for keys and values; the rest for weights. Plain functions.</summary>
public static class MemoryPlan
{
    /// <summary>Positions that the pool holds at least.</summary>
    public const int LeastTokens = 1024;

    /// <summary>Bytes of the KV pool.</summary>
    public static long PoolBytes(long memoryBytes, KvLayout layout) => Math.Max(memoryBytes / 4, layout.BytesFor(LeastTokens));

    /// <summary>Blocks that fit, when each stores so many bytes and a page of its keys and values takes so many.</summary>
    public static int MostBlocks(long memoryBytes, long blockBytes, long blockPageBytes)
    {
        const int page = Kernels.KernelSet.PagePositions;
        long cache = blockPageBytes * (LeastTokens / page);
        // A quarter for the pool, unless the least pool of these blocks is larger.
        long byQuarter = (memoryBytes - memoryBytes / 4) / Math.Max(1, blockBytes);
        long byLeast = memoryBytes / Math.Max(1, blockBytes + cache);
        return (int)Math.Min(int.MaxValue, Math.Min(byQuarter, byLeast));
    }

    /// <summary>Refuses blocks that the memory cannot hold.</summary>
    /// <exception cref="SwarmException">NoCapacity.</exception>
    public static void Check(BlockSpan blocks, long storedBytes, KvLayout layout, long memoryBytes)
    {
        long needed = storedBytes + PoolBytes(memoryBytes, layout);
        if (needed > memoryBytes)
        {
            throw new SwarmException(
                FaultKind.NoCapacity,
                $"memory: blocks {blocks} and their cache need {needed} bytes, {memoryBytes} are allowed", blocks: (blocks.Start, blocks.End));
        }
    }
}
