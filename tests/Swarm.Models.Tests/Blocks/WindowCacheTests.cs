using Swarm.Kernels.Cpu;
using Swarm.Kernels.Reference;
using Swarm.Models.Blocks;

namespace Swarm.Models.Tests.Blocks;

/// <summary>Caches of blocks with a window: no more pages than the window touches, the bits of a cache that keeps all, and what going back and sharing make of that.</summary>
public sealed class WindowCacheTests
{
    private const int Window = 100;
    private const int Pages = 3;
    private const string Mixed = "random:200KiB:bf16:3:100/2";
    private const string All = "random:200KiB:bf16:3:100";

    [Theory]
    [InlineData(Mixed, 700, new[] { 700 })]
    [InlineData(Mixed, 700, new[] { 300, 1, 1, 57, 128, 5, 1 })]
    [InlineData(All, 700, new[] { 64 })]
    [InlineData(All, 420, new[] { 400, 1 })]
    public void Forward_FarBeyondTheWindow_BitsOfACacheThatKeepsAll(string model, int tokens, int[] steps)
    {
        using var runner = new ModelRunner(model, new CpuKernels(2), 1024);
        float[] expected = Unbounded(runner, tokens);
        using KvCache cache = runner.Pool.CreateCache();
        Numbers.AssertSameBits(expected, Forward(runner, cache, tokens, steps), "steps");
        Assert.True(runner.Stack.WindowCuts > 0 || steps.Max() <= 64);
    }

    [Fact]
    public void Forward_ReferencePath_IsThatOfACacheThatKeepsAll()
    {
        using var runner = new ModelRunner("random:60KiB:f32:5:70/2", new ReferenceKernels(2), 512);
        float[] expected = Unbounded(runner, 300);
        using KvCache cache = runner.Pool.CreateCache();
        Numbers.AssertSameBits(expected, Forward(runner, cache, 300, [131, 1, 168]), "reference");
        using var full = new ModelRunner("random:60KiB:f32:5", new ReferenceKernels(2), 512);
        float[] without = full.Hidden(Ids(full, 300));
        Assert.Equal(without.AsSpan(0, 70 * full.Config.Hidden).ToArray(), expected.AsSpan(0, 70 * full.Config.Hidden).ToArray());
        Assert.NotEqual(without[^1], expected[^1]);
    }

    [Theory]
    [InlineData(Mixed)]
    [InlineData(All)]
    public void Forward_FarBeyondTheWindow_BytesStayBounded(string model)
    {
        using var runner = new ModelRunner(model, new CpuKernels(2), 2048);
        KvLayout layout = runner.Stack.KvLayout;
        long each = layout.PageBytes / runner.Config.Blocks;
        int windowed = model == All ? runner.Config.Blocks : runner.Config.Blocks / 2;
        KvCache cache = runner.Pool.CreateCache();
        int tokens = 0;
        foreach (int step in new[] { 1, 63, 300, 1, 256, 1, 640 })
        {
            float[] rows = new float[step * runner.Config.Hidden];
            runner.Stack.Forward(rows, [new StackStep(cache, tokens, step)]);
            tokens += step;
            int pages = (tokens + 63) / 64;
            long expected = each * (((runner.Config.Blocks - windowed) * pages) + (windowed * Math.Min(Pages, pages)));
            Assert.Equal((expected, expected, expected), (cache.Bytes, runner.Pool.UsedBytes, layout.BytesFor(tokens)));
            Assert.True(windowed * Math.Min(Pages, pages) * 64 <= windowed * (Window + 64 + 63));
        }

        // What is written again is not made anew, nor is what the next one takes.
        long made = runner.Pool.PagesMade;
        Assert.Equal(model == All ? Pages : Pages + ((tokens + 63) / 64), made);
        cache.Dispose();
        Assert.Equal(0, runner.Pool.UsedBytes);
        using KvCache next = runner.Pool.CreateCache();
        runner.Stack.Forward(new float[tokens * runner.Config.Hidden], [new StackStep(next, 0, tokens)]);
        Assert.Equal(made, runner.Pool.PagesMade);
    }

    [Fact]
    public void Forward_SeveralSessionsBlockByBlock_BitsOfEachByItself()
    {
        using var runner = new ModelRunner(Mixed, new CpuKernels(2), 1024);
        int hidden = runner.Config.Hidden;
        float[] expected = Unbounded(runner, 500);
        KvCache[] caches = [runner.Pool.CreateCache(), runner.Pool.CreateCache(), runner.Pool.CreateCache()];
        int[] before = [130, 64, 301], counts = [150, 1, 199];
        for (int i = 0; i < caches.Length; i++)
            Forward(runner, caches[i], before[i], [256]);
        float[] rows = [.. before.Select((position, i) => Embedded(runner, position + counts[i]).AsSpan(position * hidden).ToArray()).SelectMany(part => part)];
        StackStep[] steps = [.. caches.Select((cache, i) => new StackStep(cache, before[i], counts[i]))];
        for (int block = 0; block < runner.Config.Blocks; block++)
            runner.Stack.Forward(rows, steps, new BlockSpan(block, block + 1));
        int first = 0;
        for (int i = 0; i < caches.Length; first += counts[i++])
            Numbers.AssertSameBits(expected.AsSpan(before[i] * hidden, counts[i] * hidden).ToArray(), rows.AsSpan(first * hidden, counts[i] * hidden).ToArray(), $"session {i}");
        foreach (KvCache cache in caches)
            cache.Dispose();
        Assert.Equal(0, runner.Pool.UsedBytes);
    }

    [Fact]
    public void Forward_OverThePagesOfAWindow_AllocatesNothing()
    {
        using var runner = new ModelRunner(Mixed, new CpuKernels(2), 2048);
        using KvCache cache = runner.Pool.CreateCache();
        Assert.True(cache.TryReserve(1000));
        float[] rows = new float[100 * runner.Config.Hidden];
        for (int position = 0; position < 300; position += 100)
            runner.Stack.Forward(rows, [new StackStep(cache, position, 100)]);
        long before = GC.GetAllocatedBytesForCurrentThread(), cuts = runner.Stack.WindowCuts;
        for (int position = 300; position < 1000; position += 100)
        {
            var step = new StackStep(cache, position, 100);
            runner.Stack.Forward(rows, new ReadOnlySpan<StackStep>(in step));
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.InRange(runner.Stack.WindowCuts - cuts, 7, 100);
    }

    [Theory]
    [InlineData(Mixed)]
    [InlineData(All)]
    public void Forward_Back_WithinWhatIsThereOrFromTheBeginning(string model)
    {
        using var runner = new ModelRunner(model, new CpuKernels(2), 1024);
        int hidden = runner.Config.Hidden;
        float[] expected = Unbounded(runner, 400);
        using KvCache cache = runner.Pool.CreateCache();
        Forward(runner, cache, 380, [380]);

        // Pages 3, 4 and 5 are there: the query at 291 sees from 192 on.
        Assert.Equal((380, 291, 0, 0), (cache.ResumeAt(380), cache.ResumeAt(291), cache.ResumeAt(290), cache.ResumeAt(0)));
        var exception = Assert.Throws<ModelException>(() => runner.Stack.Forward(new float[hidden], [new StackStep(cache, 290, 1)]));
        Assert.Equal(ModelError.InvalidArgument, exception.Error);
        Assert.Contains("position 290, expected 0 or at least 291", exception.Message, StringComparison.Ordinal);
        foreach ((int position, int count) in new[] { (370, 12), (330, 30), (291, 30) })
            Numbers.AssertSameBits(expected.AsSpan(position * hidden, count * hidden).ToArray(), Forward(runner, cache, position + count, [count], position), $"back to {position}");

        // What was written over is gone for good though the cache is shorter now.
        Assert.Equal(321, cache.Length);
        Assert.Equal(0, cache.ResumeAt(280));
        Assert.Equal(300, cache.Truncate(300));
        Numbers.AssertSameBits(expected.AsSpan(300 * hidden, 100 * hidden).ToArray(), Forward(runner, cache, 400, [33], 300), "cut to 300");
        Assert.Equal((0, 0, 0L), (cache.Truncate(200), cache.Length, runner.Pool.UsedBytes));
        Numbers.AssertSameBits(expected.AsSpan(0, 250 * hidden).ToArray(), Forward(runner, cache, 250, [100]), "fed again");

        // From the beginning in place: nothing before it is needed.
        Numbers.AssertSameBits(expected.AsSpan(0, 90 * hidden).ToArray(), Forward(runner, cache, 90, [90]), "over what was there");
    }

    [Fact]
    public void Truncate_BeforeTheWindowIsFull_KeepsWhatIsNeeded()
    {
        using var runner = new ModelRunner(All, new CpuKernels(1), 1024);
        using KvCache cache = runner.Pool.CreateCache();
        float[] expected = Unbounded(runner, 200);
        Forward(runner, cache, 190, [190]);
        Assert.Equal((60, 60), (cache.Truncate(60), cache.Length));
        Assert.Equal(runner.Stack.KvLayout.PageBytes, runner.Pool.UsedBytes);
        Numbers.AssertSameBits(expected.AsSpan(60 * runner.Config.Hidden).ToArray(), Forward(runner, cache, 200, [200], 60), "after 60");
    }

    [Theory]
    [InlineData(Mixed)]
    [InlineData(All)]
    public void Adopt_BeginningBeyondTheWindow_TakesTheLastPagesOfEachWindow(string model)
    {
        using var runner = new ModelRunner(model, new CpuKernels(2), 2048);
        int hidden = runner.Config.Hidden;
        KvLayout layout = runner.Stack.KvLayout;
        float[] expected = Unbounded(runner, 460);
        KvCache first = runner.Pool.CreateCache();
        Publish(runner, first, 460, 64);
        Assert.Equal(layout.BytesFor(460), runner.Pool.UsedBytes);

        // The second begins where the first was at position 448, while the first goes on undisturbed.
        UInt128[] keys = [.. Enumerable.Range(0, 7).Select(page => (UInt128)(page + 1))];
        using KvCache second = runner.Pool.CreateCache();
        Assert.Equal(448, second.Adopt(keys));
        Assert.Equal(layout.BytesFor(460) + 0, runner.Pool.UsedBytes);
        Numbers.AssertSameBits(expected.AsSpan(448 * hidden).ToArray(), Forward(runner, second, 460, [3], 448), "behind adopted pages");
        Numbers.AssertSameBits(expected.AsSpan(440 * hidden).ToArray(), Forward(runner, first, 460, [20], 440), "the first");
        Assert.Equal((419, 0), (second.ResumeAt(419), second.ResumeAt(418)));

        // A third, shorter: its window's pages wait where the first has gone on.
        using KvCache third = runner.Pool.CreateCache();
        Assert.Equal(256, third.Adopt(keys.AsSpan(0, 4)));
        Numbers.AssertSameBits(expected.AsSpan(256 * hidden).ToArray(), Forward(runner, third, 460, [100], 256), "a shorter beginning");
        first.Dispose();
        second.Dispose();
        third.Dispose();
        Assert.Equal(0, runner.Pool.UsedBytes);
    }

    [Fact]
    public void Adopt_PagesOfTheWindowGone_TakesTheLongestThatIsWhole()
    {
        using var runner = new ModelRunner(Mixed, new CpuKernels(1), 1024);
        using KvCache first = runner.Pool.CreateCache();
        // One pass of six pages: of the window only the last three are there when it is over.
        Forward(runner, first, 400, [400]);
        for (int page = 0; page < 6; page++)
            Assert.True(first.TryShare(page, [new PageName((UInt128)page + 1, 64)], null));
        using KvCache second = runner.Pool.CreateCache();
        Assert.Equal(384, second.Adopt([1, 2, 3, 4, 5, 6]));
        using KvCache third = runner.Pool.CreateCache();
        Assert.Equal(0, third.Adopt([1, 2, 3, 4, 5]));
        Assert.False(first.IsKnown(1));
        Assert.True(first.IsKnown(6));
    }

    [Fact]
    public void AdoptPart_BehindAdoptedPages_GivesTheBitsOfComputingAll()
    {
        using var runner = new ModelRunner(Mixed, new CpuKernels(2), 1024);
        int hidden = runner.Config.Hidden;
        float[] expected = Unbounded(runner, 400);
        KvCache first = runner.Pool.CreateCache();
        Publish(runner, first, 350, 64);
        Assert.True(first.TryShare(5, [new PageName(50, 16)], null));
        first.Dispose();
        using KvCache second = runner.Pool.CreateCache();
        Assert.Equal(320, second.Adopt([1, 2, 3, 4, 5]));
        using (PagePart part = second.AdoptPart([51, 50])!)
            Assert.Equal((16, 336), (part.Positions, second.Length));
        Numbers.AssertSameBits(expected.AsSpan(336 * hidden).ToArray(), Forward(runner, second, 400, [40], 336), "behind a part");
    }

    [Fact]
    public void TryWrite_OverPublishedPagesInAFullBudget_NeedsNoMoreThanWasPromised()
    {
        using var runner = new ModelRunner(All, new CpuKernels(1), 1024);
        KvLayout layout = runner.Stack.KvLayout;
        float[] expected = Unbounded(runner, 400);
        using var pool = new KvPool(layout.BytesFor(1000), layout);
        Assert.Equal(Pages * layout.PageBytes, pool.BudgetBytes);
        using KvCache cache = pool.CreateCache();
        float[] rows = Embedded(runner, 400);
        for (int position = 0; position < 400; position += 50)
        {
            runner.Stack.Forward(rows.AsSpan(position * runner.Config.Hidden, 50 * runner.Config.Hidden), [new StackStep(cache, position, 50)]);
            for (int page = position / 64; page < (position + 50) / 64; page++)
                Assert.True(cache.TryShare(page, [new PageName((UInt128)page, 64)], null));
            Assert.True(pool.ResidentBytes <= pool.BudgetBytes + (8 * 256), $"{pool.ResidentBytes} bytes");
        }

        Numbers.AssertSameBits(expected, rows, "in a full budget");
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(65, 2)]
    [InlineData(66, 3)]
    [InlineData(128, 3)]
    [InlineData(129, 3)]
    [InlineData(4096, 65)]
    public void PagesOf_AWindow_ThoseThatItAndAPageTouch(int window, int pages) => Assert.Equal(pages, KvGroup.PagesOf(window));

    [Fact]
    public void PositionsIn_GroupsOfDifferentWindows_CountsWholeSessionsAndWhatIsLeft()
    {
        var layout = new KvLayout(new BlockSpan(0, 3), [new KvBlock(100, 0), new KvBlock(10, 128), new KvBlock(10, 128)], 640);
        Assert.Equal((120L, 1060L, 260L), (layout.PageBytes, layout.BytesFor(640), layout.BytesFor(128) + 20));
        Assert.Equal(0, layout.PositionsIn(119));
        Assert.Equal(64, layout.PositionsIn(120));
        Assert.Equal(640, layout.PositionsIn(1060));
        Assert.Equal(640 + 320, layout.PositionsIn(1060 + 560));
        Assert.Equal(64, new KvLayout(new BlockSpan(0, 1), [new KvBlock(10, 600)], 640).BytesFor(640) * 64 / 100);
        Assert.Equal(layout, new KvLayout(new BlockSpan(0, 3), [new KvBlock(100, 0), new KvBlock(10, 128), new KvBlock(10, 128)], 640));
        Assert.NotEqual(layout, new KvLayout(new BlockSpan(0, 3), [new KvBlock(10, 128), new KvBlock(100, 0), new KvBlock(10, 128)], 640));
    }

    private static void Publish(ModelRunner runner, KvCache cache, int tokens, int step)
    {
        float[] rows = Embedded(runner, tokens);
        for (int position = 0; position < tokens; position += step)
        {
            int count = Math.Min(step, tokens - position);
            runner.Stack.Forward(rows.AsSpan(position * runner.Config.Hidden, count * runner.Config.Hidden), [new StackStep(cache, position, count)]);
            for (int page = position / 64; (page + 1) * 64 <= position + count; page++)
                Assert.True(cache.TryShare(page, [new PageName((UInt128)page + 1, 64)], null));
        }
    }

    private static float[] Unbounded(ModelRunner runner, int tokens)
    {
        KvLayout bounded = runner.Stack.KvLayout;
        runner.Stack.KvLayout = bounded.WithoutBounds();
        using var pool = new KvPool(long.MaxValue, runner.Stack.KvLayout);
        using KvCache cache = pool.CreateCache();
        float[] rows = Forward(runner, cache, tokens, [tokens]);
        Assert.Equal((tokens + 63) / 64 * bounded.PageBytes, cache.Bytes);
        runner.Stack.KvLayout = bounded;
        return rows;
    }

    private static int[] Ids(ModelRunner runner, int tokens) => [.. Enumerable.Range(0, tokens).Select(index => ((index * 7) + (index / 11) + 3) % runner.Config.Vocabulary)];

    private static float[] Embedded(ModelRunner runner, int tokens)
    {
        float[] rows = new float[tokens * runner.Config.Hidden];
        runner.Ends.Embed(Ids(runner, tokens), 0, rows);
        return rows;
    }

    private static float[] Forward(ModelRunner runner, KvCache cache, int tokens, int[] steps, int position = 0)
    {
        int hidden = runner.Config.Hidden;
        float[] rows = Embedded(runner, tokens).AsSpan(position * hidden).ToArray();
        for (int done = 0, step = 0; position + done < tokens; step++)
        {
            int count = Math.Min(steps[Math.Min(step, steps.Length - 1)], tokens - position - done);
            runner.Stack.Forward(rows.AsSpan(done * hidden, count * hidden), [new StackStep(cache, position + done, count)]);
            done += count;
        }

        return rows;
    }
}
