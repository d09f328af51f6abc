using Swarm.Models.Blocks;

namespace Swarm.Models.Tests.Blocks;

public sealed class KvPoolTests
{
    private static readonly KvLayout Layout = new(new BlockSpan(2, 5), 256);

    [Fact]
    public void TryReserve_WithinAndBeyondTheBudget_AllOrNothing()
    {
        using var pool = new KvPool(10 * Layout.PageBytes + 100, Layout);
        Assert.Equal(10 * 768, pool.BudgetBytes);
        Assert.Equal(640, pool.FreeTokens);
        using KvCache first = pool.CreateCache();
        using KvCache second = pool.CreateCache();
        Assert.True(first.TryReserve(6 * 64));
        Assert.True(first.TryReserve(6 * 64 - 5));
        Assert.False(second.TryReserve(5 * 64));
        Assert.Equal(0, second.ReservedPositions);
        Assert.True(second.TryReserve(3 * 64 + 1));
        Assert.Equal(256, second.ReservedPositions);
        Assert.Equal(0, pool.FreeTokens);
        Assert.Equal(pool.BudgetBytes, pool.UsedBytes);
    }

    [Fact]
    public void Dispose_OfACache_GivesItsPagesToTheNext()
    {
        using var pool = new KvPool(2 * Layout.PageBytes, Layout);
        KvCache first = pool.CreateCache();
        Assert.True(first.TryReserve(128));
        first.Dispose();
        first.Dispose();
        Assert.Equal(0, pool.UsedBytes);
        Assert.Throws<ObjectDisposedException>(() => first.TryReserve(1));
        using KvCache second = pool.CreateCache();
        Assert.True(second.TryReserve(128));
        Assert.Equal(2 * Layout.PageBytes, pool.ResidentBytes);
    }

    [Fact]
    public void Truncate_KeepsThePagesThatAreStillNeeded()
    {
        using var pool = new KvPool(8 * Layout.PageBytes, Layout);
        using KvCache cache = pool.CreateCache();
        Assert.True(cache.TryReserve(400));
        nint[] pages = cache.Pages.ToArray();
        cache.Length = 400;
        cache.Truncate(65);
        Assert.Equal(65, cache.Length);
        Assert.Equal(pages[..2], cache.Pages.ToArray());
        Assert.Equal(2 * Layout.PageBytes, pool.UsedBytes);
        Assert.All(pages, page => Assert.Equal(0, page % 64));
    }

    [Fact]
    public void TryReserve_TwoPoolsOfABudget_NeverHoldMoreThanItTogether()
    {
        var wide = new KvLayout(new BlockSpan(0, 6), 256);
        var budget = new KvBudget(10 * Layout.PageBytes);
        using var first = new KvPool(budget, Layout);
        using var second = new KvPool(budget, wide);
        using KvCache old = first.CreateCache();
        using KvCache young = second.CreateCache();

        Assert.True(old.TryReserve(6 * 64));
        Assert.False(young.TryReserve(3 * 64));
        Assert.True(young.TryReserve(2 * 64));
        Assert.Equal(0, first.FreeTokens);
        Assert.Equal(budget.Bytes, budget.UsedBytes);

        // Pages that were given back make room for those of the other layout.
        old.Truncate(0);
        Assert.Equal(10 * Layout.PageBytes, budget.ResidentBytes);
        Assert.True(young.TryReserve(5 * 64));
        Assert.Equal(10 * Layout.PageBytes, budget.ResidentBytes);
        Assert.Equal(0, first.ResidentBytes);
        Assert.False(old.TryReserve(1));
    }

    [Fact]
    public void Bytes_LoweredAndRaised_BoundsWhatIsGivenFromThenOn()
    {
        var budget = new KvBudget(4 * Layout.PageBytes);
        using var pool = new KvPool(budget, Layout);
        using KvCache cache = pool.CreateCache();
        Assert.True(cache.TryReserve(4 * 64));
        cache.Truncate(3 * 64);

        budget.Bytes = 2 * Layout.PageBytes;

        Assert.Equal(3 * Layout.PageBytes, budget.ResidentBytes);
        Assert.Equal(0, pool.FreeTokens);
        Assert.False(cache.TryReserve(4 * 64));
        budget.Bytes = 5 * Layout.PageBytes;
        Assert.True(cache.TryReserve(5 * 64));
    }

    [Fact]
    public void Dispose_OfAPoolWithSessions_LeavesTheBudgetWithTheLastPage()
    {
        var budget = new KvBudget(4 * Layout.PageBytes);
        var pool = new KvPool(budget, Layout);
        KvCache cache = pool.CreateCache();
        Assert.True(cache.TryReserve(128));

        pool.Dispose();
        Assert.Equal(2 * Layout.PageBytes, budget.UsedBytes);
        cache.Dispose();

        Assert.Equal((0, 0), (budget.UsedBytes, budget.ResidentBytes));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(64, 1)]
    [InlineData(65, 2)]
    [InlineData(int.MaxValue, 33554432)]
    public void PagesFor_Positions_RoundsUp(int positions, int pages) => Assert.Equal(pages, KvLayout.PagesFor(positions));
}
