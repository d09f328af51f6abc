namespace Swarm.Models.Blocks;

/// <summary>The beginning of another cache's page, of which a cache has a copy; what belongs to it can be read until this is disposed.</summary>
public sealed class PagePart : IDisposable
{
    private readonly KvPool _pool;
    private SharedPage? _page;

    internal PagePart(KvPool pool, SharedPage page, int positions)
    {
        _pool = pool;
        _page = page;
        Positions = positions;
        Address = page.Address;
        Companion = page.Companion;
    }

    /// <summary>Positions that were taken over.</summary>
    public int Positions { get; }

    internal nint Address { get; }

    /// <summary>What belongs to the whole page.</summary>
    public IPageCompanion? Companion { get; }

    public void Dispose()
    {
        if (_page is { } page)
            _pool.Return(page);
        _page = null;
    }
}
