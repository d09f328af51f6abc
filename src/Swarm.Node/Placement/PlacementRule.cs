using Swarm.Models;

namespace Swarm.Node.Placement;

/// <summary>Which blocks a node takes when nobody tells it. A plain function.</summary>
public static class PlacementRule
{
    /// <summary>
    /// The longest stretch that nobody covers, or, when all is covered, the stretch of the wanted length whose weakest block has the fewest replicas; the first of equals. At most
    /// <paramref name="most"/> blocks.
    /// </summary>
    /// <param name="served">What others serve.</param>
    /// <param name="blocks">Blocks of the model.</param>
    /// <param name="most">Blocks that fit here, at least 1.</param>
    public static BlockSpan Choose(IEnumerable<BlockSpan> served, int blocks, int most)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(most, 1);
        var replicas = new int[blocks];
        foreach (BlockSpan span in served)
        {
            for (int block = Math.Max(0, span.Start); block < Math.Min(blocks, span.End); block++)
                replicas[block]++;
        }

        BlockSpan hole = LongestHole(replicas);
        if (hole.Count > 0)
            return new BlockSpan(hole.Start, Math.Min(hole.End, hole.Start + most));

        int length = Math.Min(most, blocks);
        int best = 0;
        (int Weakest, int Sum) bestValue = (int.MaxValue, int.MaxValue);
        for (int start = 0; start + length <= blocks; start++)
        {
            ReadOnlySpan<int> window = replicas.AsSpan(start, length);
            int weakest = int.MaxValue;
            int sum = 0;
            foreach (int count in window)
            {
                weakest = Math.Min(weakest, count);
                sum += count;
            }

            if ((weakest, sum).CompareTo(bestValue) < 0)
            {
                bestValue = (weakest, sum);
                best = start;
            }
        }

        return new BlockSpan(best, best + length);
    }

    private static BlockSpan LongestHole(ReadOnlySpan<int> replicas)
    {
        var best = new BlockSpan(0, 0);
        int start = 0;
        for (int block = 0; block <= replicas.Length; block++)
        {
            if (block < replicas.Length && replicas[block] == 0)
                continue;
            if (block - start > best.Count)
                best = new BlockSpan(start, block);
            start = block + 1;
        }

        return best;
    }
}
