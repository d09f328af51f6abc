using Swarm.Kernels.Cpu;
using Swarm.Models.Blocks;
using Swarm.Testing;

namespace Swarm.Models.Tests.Blocks;

public sealed class SharedPageTests
{
    private static readonly KvLayout Layout = new(new BlockSpan(2, 5), 256);

    [Fact]
    public void Adopt_PagesOfAnotherCache_CountOnceAndStayWhenItGoes()
    {
        using var pool = new KvPool(8 * Layout.PageBytes, Layout);
        KvCache first = Filled(pool, 200);
        Assert.True(first.TryShare(0, [new PageName(10, 64)], null));
        Assert.True(first.TryShare(1, [new PageName(11, 64)], null));
        Assert.False(first.TryShare(1, [new PageName(12, 64)], null));

        KvCache second = pool.CreateCache();
        Assert.Equal(128, second.Adopt([10, 11, 12]));
        Assert.Equal((128, 2, 128), (second.Length, second.SharedPages, second.ReservedPositions));
        Assert.Equal(first.Pages[..2].ToArray(), second.Pages.ToArray());
        Assert.Equal(4 * Layout.PageBytes, pool.UsedBytes);

        first.Dispose();
        Assert.Equal(2 * Layout.PageBytes, pool.UsedBytes);
        second.Dispose();
        Assert.Equal((0, 2 * Layout.PageBytes), (pool.UsedBytes, pool.IdleBytes));
        using KvCache third = pool.CreateCache();
        Assert.Equal(64, third.Adopt([10, 99, 11]));
        Assert.Equal((Layout.PageBytes, Layout.PageBytes), (pool.UsedBytes, pool.IdleBytes));
    }

    [Fact]
    public unsafe void TryWrite_IntoASharedPage_CopiesItAndLetsThoseBehindGo()
    {
        using var pool = new KvPool(8 * Layout.PageBytes, Layout);
        using KvCache first = Filled(pool, 192);
        for (int page = 0; page < 3; page++)
            Assert.True(first.TryShare(page, [new PageName((UInt128)page, 64)], null));
        new Span<byte>((void*)first.Pages[1], (int)Layout.PageBytes).Fill(7);
        nint[] before = first.Pages.ToArray();
        using KvCache second = pool.CreateCache();
        Assert.Equal(192, second.Adopt([0, 1, 2]));

        Assert.True(second.TryWrite(100, 3));

        Assert.Equal((100, 1, 128), (second.Length, second.SharedPages, second.ReservedPositions));
        Assert.Equal(before[0], second.Pages[0]);
        Assert.NotEqual(before[1], second.Pages[1]);
        Assert.All(new Span<byte>((void*)second.Pages[1], (int)Layout.PageBytes).ToArray(), value => Assert.Equal(7, value));
        Assert.Equal(before, first.Pages.ToArray());
        Assert.Equal(4 * Layout.PageBytes, pool.UsedBytes);

        // At a page's beginning there is nothing to copy.
        Assert.True(second.TryWrite(0, 1));
        Assert.Equal((0, 0, 64), (second.Length, second.SharedPages, second.ReservedPositions));
        // What it wrote before is not overwritten for those who find it now.
        using KvCache third = pool.CreateCache();
        Assert.Equal(192, third.Adopt([0, 1, 2]));
        Assert.Equal(before, third.Pages.ToArray());
    }

    [Fact]
    public void TryReserve_BesideIdlePages_TakesTheirRoomTheOldestFirstAndNeverFailsForThem()
    {
        var budget = new KvBudget(8 * Layout.PageBytes);
        using var pool = new KvPool(budget, Layout);
        using var other = new KvPool(budget, new KvLayout(new BlockSpan(0, 6), 256));
        var freed = new List<UInt128>();
        foreach (UInt128 key in new UInt128[] { 1, 2 })
        {
            using KvCache cache = Filled(pool, 64);
            Assert.True(cache.TryShare(0, [new PageName(key, 64)], new Companion(() => freed.Add(key), 0)));
        }

        Assert.Equal(2 * Layout.PageBytes, budget.IdleBytes);
        using KvCache grown = other.CreateCache();
        Assert.True(grown.TryReserve(3 * 64));
        Assert.Empty(freed);
        using KvCache more = pool.CreateCache();
        Assert.True(more.TryReserve(64));
        Assert.Equal([1], freed);
        Assert.True(more.TryReserve(128));
        Assert.Equal([1, 2], freed);
        Assert.Equal((8 * Layout.PageBytes, 0), (budget.ResidentBytes, budget.IdleBytes));
        using KvCache late = pool.CreateCache();
        Assert.Equal(0, late.Adopt([1, 2]));
    }

    [Fact]
    public void IdlePages_BeyondAQuarterOfTheBudget_GoTheOldestAndTheLastOfAPrefixFirst()
    {
        var budget = new KvBudget(16 * Layout.PageBytes);
        using var pool = new KvPool(budget, Layout);
        var freed = new List<UInt128>();
        for (UInt128 prefix = 0; prefix < 2; prefix++)
        {
            using KvCache cache = Filled(pool, 128);
            for (int page = 0; page < 2; page++)
            {
                UInt128 key = (10 * prefix) + (UInt128)page;
                Assert.True(cache.TryShare(page, [new PageName(key, 64)], new Companion(() => freed.Add(key), page == 0 ? Layout.PageBytes : 0)));
            }
        }

        // Four pages, and what belongs to two of them: six pages' room.
        Assert.Equal([1, 0], freed);
        Assert.Equal(3 * Layout.PageBytes, budget.IdleBytes);
        budget.Bytes = 8 * Layout.PageBytes;
        Assert.Equal([1, 0, 11], freed);
        pool.Dispose();
        Assert.Equal([1, 0, 11, 10], freed);
        Assert.Equal(0, budget.ResidentBytes);
    }

    [Fact]
    public void Dispose_OfAPoolWhoseSharedPagesAreHeld_FreesThemWithTheLastHolder()
    {
        var budget = new KvBudget(8 * Layout.PageBytes);
        var pool = new KvPool(budget, Layout);
        var freed = new List<UInt128>();
        KvCache first = Filled(pool, 64);
        Assert.True(first.TryShare(0, [new PageName(1, 64)], new Companion(() => freed.Add(1), 5)));
        KvCache second = pool.CreateCache();
        second.Adopt([1]);

        pool.Dispose();
        first.Dispose();
        Assert.Empty(freed);
        Assert.Equal(Layout.PageBytes + 5, budget.ResidentBytes);
        second.Dispose();

        Assert.Equal([1], freed);
        Assert.Equal((0, 0), (budget.UsedBytes, budget.ResidentBytes));
    }

    [Theory]
    [InlineData("families/llama")]
    [InlineData("random:300KiB:bf16:4")]
    public void Forward_AfterAdoptedPages_GivesTheBitsOfComputingAll(string model)
    {
        using var runner = new ModelRunner(model.StartsWith("families", StringComparison.Ordinal) ? TestData.Path(model) : model, new CpuKernels(1));
        int hidden = runner.Config.Hidden;
        int[] ids = [.. Enumerable.Range(0, 150).Select(index => (index * 7 + 3) % runner.Config.Vocabulary)];
        int[] others = [.. ids[..100], .. ids[50..100]];
        float[] expected = runner.Hidden(ids);
        float[] expectedOthers = runner.Hidden(others);
        var rows = new float[ids.Length * hidden];
        using KvCache first = runner.Pool.CreateCache();
        runner.Ends.Embed(ids, 0, rows);
        runner.Stack.Forward(rows, [new StackStep(first, 0, ids.Length)]);
        Assert.True(first.TryShare(0, [new PageName(1, 64)], null));
        Assert.True(first.TryShare(1, [new PageName(2, 64)], null));

        // The rest after the shared pages; then back into them with other ids, and once more by the one who shared them.
        using KvCache second = runner.Pool.CreateCache();
        Assert.Equal(128, second.Adopt([1, 2]));
        Numbers.AssertSameBits(expected.AsSpan(128 * hidden).ToArray(), Forward(runner, second, ids, 128), "after shared pages");
        Numbers.AssertSameBits(expectedOthers.AsSpan(100 * hidden).ToArray(), Forward(runner, second, others, 100), "back into a shared page");
        Numbers.AssertSameBits(expected.AsSpan(140 * hidden).ToArray(), Forward(runner, first, ids, 140), "the first, undisturbed");
        Numbers.AssertSameBits(expectedOthers.AsSpan(100 * hidden).ToArray(), Forward(runner, first, others, 100), "back by who shared it");
        using KvCache third = runner.Pool.CreateCache();
        Assert.Equal(128, third.Adopt([1, 2]));
        Numbers.AssertSameBits(expected.AsSpan(128 * hidden).ToArray(), Forward(runner, third, ids, 128), "found again");
    }

    [Fact]
    public void AdoptPart_BeginningOfAPage_IsACopyWhoseContinuationGivesTheSameBits()
    {
        using var runner = new ModelRunner(TestData.Path("families/llama"), new CpuKernels(1));
        int hidden = runner.Config.Hidden;
        int[] ids = [.. Enumerable.Range(0, 128).Select(index => (index * 7 + 3) % runner.Config.Vocabulary)];
        int[] others = [.. ids[..100], .. ids[50..100]];
        float[] expected = runner.Hidden(others);
        var freed = new List<int>();
        KvCache first = runner.Pool.CreateCache();
        Forward(runner, first, ids, 0);
        Assert.True(first.TryShare(0, [new PageName(4, 64)], null));
        Assert.True(first.TryShare(1, [new PageName(5, 16), new PageName(6, 32), new PageName(7, 64)], new Companion(() => freed.Add(1), 0)));

        using KvCache second = runner.Pool.CreateCache();
        Assert.Equal(64, second.Adopt([4, 6]));
        Assert.Null(second.AdoptPart([99]));
        using (PagePart part = second.AdoptPart([99, 6, 5])!)
        {
            first.Dispose();
            Assert.Equal((32, 96), (part.Positions, second.Length));
            Assert.NotNull(part.Companion);
            Assert.Equal(3 * runner.Pool.Layout.PageBytes, runner.Pool.UsedBytes);
        }

        Assert.Equal((1, 2 * runner.Pool.Layout.PageBytes), (second.SharedPages, runner.Pool.UsedBytes));
        Numbers.AssertSameBits(expected.AsSpan(96 * hidden).ToArray(), Forward(runner, second, others, 96), "behind a copied beginning");
        using KvCache third = runner.Pool.CreateCache();
        Assert.Equal(128, third.Adopt([4, 7]));
        Numbers.AssertSameBits(runner.Hidden(ids).AsSpan(127 * hidden).ToArray(), Forward(runner, third, ids, 127), "the page itself");
        Assert.Empty(freed);
    }

    [Fact]
    public void TryShare_EndOfACache_IsFoundByItsBeginningsOnlyUntilItGoes()
    {
        using var pool = new KvPool(8 * Layout.PageBytes, Layout);
        KvCache first = Filled(pool, 40);
        Assert.True(first.TryShare(0, [new PageName(1, 16), new PageName(2, 32)], null));
        first.Dispose();
        Assert.Equal(Layout.PageBytes, pool.IdleBytes);

        using KvCache second = pool.CreateCache();
        Assert.Equal(0, second.Adopt([2]));
        second.AdoptPart([2])!.Dispose();
        Assert.Equal((32, 0), (second.Length, second.SharedPages));
        using KvCache large = pool.CreateCache();
        Assert.True(large.TryReserve(7 * 64));
        using KvCache late = pool.CreateCache();
        Assert.Null(late.AdoptPart([2, 1]));
        Assert.Equal(0, pool.IdleBytes);
    }

    private static float[] Forward(ModelRunner runner, KvCache cache, int[] ids, int position)
    {
        var rows = new float[(ids.Length - position) * runner.Config.Hidden];
        runner.Ends.Embed(ids.AsSpan(position), position, rows);
        runner.Stack.Forward(rows, [new StackStep(cache, position, ids.Length - position)]);
        return rows;
    }

    private static KvCache Filled(KvPool pool, int positions)
    {
        KvCache cache = pool.CreateCache();
        Assert.True(cache.TryReserve(positions));
        cache.Length = positions;
        return cache;
    }

    private sealed class Companion(Action freed, long bytes) : IPageCompanion
    {
        public long Bytes => bytes;

        public void Dispose() => freed();
    }
}
