using Swarm.Models;
using Swarm.Models.Blocks;
using Swarm.Protocol;

namespace Swarm.Node.Placement;

/// <summary>
/// How a node's memory is divided: a quarter, and at least 1,024 positions, for keys and values; the rest for weights. When nobody says how much it may use: half of what the
/// machine (or the container) has free, and no more than the whole model could use. Plain functions.
/// </summary>
public static class MemoryPlan
{
    /// <summary>Positions that the pool holds at least.</summary>
    public const int LeastTokens = 1024;

    /// <summary>Sessions of the full context that the largest useful pool holds.</summary>
    private const int MostUsefulSessions = 8;

    /// <summary>What a node may use when nobody says: half of what is free, bounded by what the whole model and a cache for eight sessions of the full context need.</summary>
    /// <param name="freeBytes">Memory that the platform reports as available, within the container's limit.</param>
    /// <param name="modelBytes">Stored bytes of all blocks and both ends.</param>
    /// <param name="whole">Layout of the caches of all blocks.</param>
    /// <param name="context">Most positions of a session.</param>
    public static long Default(long freeBytes, long modelBytes, KvLayout whole, int context)
    {
        // Weights get three quarters and the cache one: whichever asks for more decides.
        double weights = modelBytes / 3.0 * 4;
        double cache = 4.0 * MostUsefulSessions * whole.BytesFor(context);
        double least = (double)modelBytes + whole.BytesFor(LeastTokens);
        double useful = Math.Ceiling(Math.Max(least, Math.Max(weights, cache)));
        return useful < freeBytes / 2 ? (long)useful : freeBytes / 2;
    }

    /// <summary>
    /// How to come by other blocks within the memory: beside those held now where they fit together, so that the node never serves less; otherwise what is not kept goes first.
    /// </summary>
    /// <param name="heldBytes">Weights in memory, those that only running sessions still use included.</param>
    /// <param name="loadBytes">Weights to load.</param>
    /// <param name="poolBytes">The KV pool's budget, the larger of before and after.</param>
    /// <param name="memoryBytes">What the node may use.</param>
    public static MoveOrder Order(long heldBytes, long loadBytes, long poolBytes, long memoryBytes) =>
        heldBytes + loadBytes + poolBytes <= memoryBytes ? MoveOrder.LoadFirst : MoveOrder.DropFirst;

    /// <summary>Bytes of the KV pool.</summary>
    public static long PoolBytes(long memoryBytes, KvLayout layout) => Math.Max(memoryBytes / 4, layout.BytesFor(LeastTokens));

    /// <summary>Blocks that fit, when each stores so many bytes and its keys and values of <see cref="LeastTokens"/> positions take so many.</summary>
    public static int MostBlocks(long memoryBytes, long blockBytes, long blockCacheBytes)
    {
        // A quarter for the pool, unless the least pool of these blocks is larger.
        long byQuarter = (memoryBytes - memoryBytes / 4) / Math.Max(1, blockBytes);
        long byLeast = memoryBytes / Math.Max(1, blockBytes + blockCacheBytes);
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

    /// <summary>Refuses ends that do not fit beside what the node has promised already: blocks, other ends, the KV pool.</summary>
    /// <exception cref="SwarmException">NoCapacity.</exception>
    public static void CheckEnds(EndParts parts, long storedBytes, long weightBytes, long poolBytes, long memoryBytes)
    {
        long free = Math.Max(0, memoryBytes - weightBytes - poolBytes);
        if (storedBytes > free)
        {
            string which = parts == EndParts.Both ? "the model's ends need" : parts == EndParts.Head ? "the model's head needs" : "the model's embedding needs";
            throw new SwarmException(FaultKind.NoCapacity, $"memory: {which} {storedBytes} bytes, {free} of {memoryBytes} are free beside the blocks and their cache");
        }
    }
}
