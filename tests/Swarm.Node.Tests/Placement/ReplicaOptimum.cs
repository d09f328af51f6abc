namespace Swarm.Node.Tests.Placement;

/// <summary>The most replicas that every block can have, by trying all placements: for small cases.</summary>
internal static class ReplicaOptimum
{
    /// <summary>
    /// Fills from the left: some node that is not used has to begin at or before the first block that lacks a replica, and beginning at it is as good as before; which one is tried.
    /// </summary>
    public static int Of(int[] capacities, int blocks)
    {
        int[] sizes = [.. capacities.OrderDescending()];
        int replicas = (int)Math.Min(sizes.Length, sizes.Sum(size => (long)Math.Min(size, blocks)) / blocks);
        while (replicas > 0 && !Fits(sizes, new bool[sizes.Length], new int[blocks], replicas, []))
            replicas--;
        return replicas;
    }

    private static bool Fits(int[] sizes, bool[] used, int[] level, int replicas, HashSet<string> failed)
    {
        int first = Array.FindIndex(level, count => count < replicas);
        if (first < 0)
            return true;
        string state = string.Join(',', used.Select((isUsed, index) => isUsed ? 0 : sizes[index]).Order()) + "|" + string.Join(',', level.Select(count => Math.Min(count, replicas)));
        if (!failed.Add(state))
            return false;
        for (int index = 0; index < sizes.Length; index++)
        {
            if (used[index] || Array.FindIndex(sizes, 0, index, size => size == sizes[index]) is >= 0 and int same && !used[same])
                continue;
            int end = Math.Min(level.Length, first + sizes[index]);
            used[index] = true;
            for (int block = first; block < end; block++)
                level[block]++;
            bool fits = Fits(sizes, used, level, replicas, failed);
            for (int block = first; block < end; block++)
                level[block]--;
            used[index] = false;
            if (fits)
                return true;
        }

        return false;
    }
}
