namespace Swarm.Kernels.Tests;

public sealed unsafe class WeightMemoryTests
{
    [Fact]
    public void Take_SmallMatrices_LieOneAfterAnotherInLargePages()
    {
        WeightMemory memory = new();
        using WeightMemory.Slice first = memory.Take(1000), second = memory.Take(5000), third = memory.Take(64);
        Assert.Equal(0, (nint)first.Pointer % (nint)MemoryAdvice.LargePage);
        Assert.Equal(1024, first.Bytes);
        Assert.True(first.Pointer + first.Bytes == second.Pointer);
        Assert.True(second.Pointer + second.Bytes == third.Pointer);
    }

    [Fact]
    public void Take_MatrixLargerThanARun_LeavesTheRunInUse()
    {
        WeightMemory memory = new();
        using WeightMemory.Slice small = memory.Take(64), large = memory.Take(40L << 20), after = memory.Take(64);
        Assert.True(small.Pointer + 64 == after.Pointer);
        large.Pointer[0] = large.Pointer[large.Bytes - 1] = 1;
    }

    [SkippableFact]
    public void Dispose_OneOfARun_GivesItsPagesBackAndLeavesTheOthers()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "pages of other systems stay until the run is freed");
        WeightMemory memory = new();
        using WeightMemory.Slice before = memory.Take(1 << 16), after = Fill(memory, out byte* gone);
        new Span<byte>(before.Pointer, (int)before.Bytes).Fill(1);

        // Memory that the system took back reads as zero. The slice's own ends may share a page with its neighbours.
        Assert.Equal(-1, new Span<byte>(gone + 4096, (1 << 16) - 8192).IndexOfAnyExcept((byte)0));
        Assert.Equal(-1, new Span<byte>(before.Pointer, (int)before.Bytes).IndexOfAnyExcept((byte)1));
        Assert.Equal(-1, new Span<byte>(after.Pointer, (int)after.Bytes).IndexOfAnyExcept((byte)3));
    }

    [Fact]
    public void Take_AfterTheLastOfARunWent_HasMemoryAgain()
    {
        WeightMemory memory = new();
        for (int i = 0; i < 3; i++)
        {
            using WeightMemory.Slice slice = memory.Take(1 << 12);
            new Span<byte>(slice.Pointer, 1 << 12).Fill((byte)i);
        }

        WeightMemory.Slice disposed = memory.Take(64);
        disposed.Dispose();
        disposed.Dispose();
        Assert.True(disposed.Pointer == null);
    }

    private static WeightMemory.Slice Fill(WeightMemory memory, out byte* gone)
    {
        using WeightMemory.Slice middle = memory.Take(1 << 16);
        gone = middle.Pointer;
        new Span<byte>(middle.Pointer, 1 << 16).Fill(2);
        WeightMemory.Slice after = memory.Take(1 << 16);
        new Span<byte>(after.Pointer, 1 << 16).Fill(3);
        return after;
    }
}
