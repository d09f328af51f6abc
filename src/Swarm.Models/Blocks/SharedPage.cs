namespace Swarm.Models.Blocks;

/// <summary>
/// A group's page that caches read together and nobody writes. Known to its pool by keys that stand for all that the numbers of its first positions depend on. The pool's, under the
/// budget's gate.
/// </summary>
internal sealed class SharedPage(int group, nint address, IPageCompanion? companion)
{
    public int Group { get; } = group;

    public nint Address { get; } = address;

    public IPageCompanion? Companion { get; } = companion;

    /// <summary>Under which it is published.</summary>
    public List<UInt128> Keys { get; } = [];

    /// <summary>Caches that have it.</summary>
    public int Holders { get; set; } = 1;

    /// <summary>Its place among the pages that no cache has.</summary>
    public LinkedListNode<SharedPage>? Idle { get; set; }
}
