namespace Swarm.Protocol;

/// <summary>How a chain tells the dead, the silent and the vanished from the slow.</summary>
public static class ChainTiming
{
    /// <summary>Each side of a link that has sessions speaks at least so often.</summary>
    public static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(0.5);

    /// <summary>A node that is silent for so long, or whose device stands still with work before it, is stalled. The most; measured step times make it less.</summary>
    public static readonly TimeSpan Stall = TimeSpan.FromSeconds(3);

    /// <summary>The least of the same: less would take a busy machine for a dead one.</summary>
    public static readonly TimeSpan ShortestStall = TimeSpan.FromSeconds(2);

    /// <summary>Whoever dialled a link and is silent for so long is gone.</summary>
    public static readonly TimeSpan Vanish = TimeSpan.FromSeconds(2.8);

    /// <summary>A session whose way to its client is broken is kept for so long; with <see cref="Vanish"/> below 5 s.</summary>
    public static readonly TimeSpan Hold = TimeSpan.FromSeconds(2);

    /// <summary>A client that looks for a way says so to the hops that keep something for it.</summary>
    public static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(0.5);

    /// <summary>How long a client looks for a way by default before it gives up.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(3.5);
}
