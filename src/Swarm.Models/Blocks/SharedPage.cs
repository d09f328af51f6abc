namespace Swarm.Models.Blocks;

/// <summary>
/// A full page of 64 positions that caches read together and nobody writes. Known to its pool by a key that stands for all that its numbers depend on. The pool's, under the
/// budget's gate.
/// </summary>
internal sealed class SharedPage(UInt128 key, nint address, IPageCompanion? companion)
{
    public UInt128 Key { get; } = key;

    public nint Address { get; } = address;

    public IPageCompanion? Companion { get; } = companion;

    /// <summary>Caches that have it.</summary>
    public int Holders { get; set; } = 1;

    /// <summary>Its place among the pages that no cache has.</summary>
    public LinkedListNode<SharedPage>? Idle { get; set; }
}
