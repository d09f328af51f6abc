namespace Swarm.Protocol.Directory;

/// <summary>Who watches whom. Plain functions.</summary>
public static class LivenessRules
{
    /// <summary>
    /// The next peers on the ring of ids after <paramref name="self"/>: so every node is watched by as many as it watches, whoever comes and goes,
    /// and nobody has to agree on anything.
    /// </summary>
    /// <param name="ring">Ordered by peer, each once; may hold <paramref name="self"/>.</param>
    /// <param name="self">Who watches; in the ring or not.</param>
    /// <param name="count">How many to watch.</param>
    public static IReadOnlyList<PeerId> Successors(IReadOnlyList<PeerId> ring, PeerId self, int count)
    {
        int low = 0;
        int high = ring.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (ring[middle].CompareTo(self) <= 0)
                low = middle + 1;
            else
                high = middle;
        }

        var watched = new List<PeerId>(count);
        for (int step = 0; step < ring.Count && watched.Count < count; step++)
        {
            PeerId peer = ring[(low + step) % ring.Count];
            if (peer != self)
                watched.Add(peer);
        }

        return watched;
    }

    /// <summary>The wait before a hidden peer is tried again.</summary>
    /// <param name="failures">Probes since it was hidden that found it dead.</param>
    public static TimeSpan HidingTime(int failures)
    {
        TimeSpan time = DirectoryLimits.FirstHiding * Math.Pow(2, Math.Clamp(failures, 0, 16));
        return time < DirectoryLimits.LongestHiding ? time : DirectoryLimits.LongestHiding;
    }

    /// <summary>Whether a fault, laid to a peer by who called it, hides that peer.</summary>
    public static bool Hides(FaultKind fault) => fault.Rule().Cost != FaultCost.None;
}
