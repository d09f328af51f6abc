using Swarm.Kernels;

namespace Swarm.Models.Blocks;

/// <summary>Blocks of a span that need the same positions, and so share pages.</summary>
/// <param name="Window">Positions that their queries see; 0 where they see all.</param>
/// <param name="PageBytes">Bytes of these blocks' keys and values of <see cref="KernelSet.PagePositions"/> positions.</param>
public sealed record KvGroup(int Window, long PageBytes)
{
    /// <summary>
    /// Pages that a cache has at most: those that a window before a page touches, and that page. The page of positions that no query sees any more is written again with the newest.
    /// </summary>
    public int MostPages { get; } = PagesOf(Window);

    /// <summary>Pages that so many positions need.</summary>
    public int PagesFor(int positions) => Math.Min(MostPages, KvLayout.PagesFor(positions));

    /// <summary>The first page that the query at a position sees.</summary>
    public int FirstPage(int position) => Window == 0 ? 0 : Math.Max(0, position - Window + 1) / KernelSet.PagePositions;

    /// <summary>Where a page of the sequence lies among the cache's.</summary>
    public int SlotOf(int page) => page % MostPages;

    /// <summary><see cref="MostPages"/> of a window; no bound for 0.</summary>
    public static int PagesOf(int window) => window == 0 ? int.MaxValue : 1 + KvLayout.PagesFor(window - 1);
}
