namespace Swarm.Models.Blocks;

/// <summary>The beginning of another cache's page, of which a cache has a copy; what belongs to it can be read until this is disposed.</summary>
public sealed class PagePart : IDisposable
{
    private readonly KvPool _pool;
    private SharedPage[] _pages;

    internal PagePart(KvPool pool, SharedPage[] pages, int positions)
    {
        _pool = pool;
        _pages = pages;
        Positions = positions;
        Companion = pages[0].Companion;
    }

    /// <summary>Positions that were taken over.</summary>
    public int Positions { get; }

    /// <summary>What belongs to the whole page.</summary>
    public IPageCompanion? Companion { get; }

    internal nint AddressOf(int group) => _pages[group].Address;

    public void Dispose()
    {
        foreach (SharedPage page in _pages)
            _pool.Return(page);
        _pages = [];
    }
}
