using Swarm.Models;
using Swarm.Models.Blocks;
using Swarm.Node.Placement;
using Swarm.Node.Sessions;
using Swarm.Protocol;

namespace Swarm.Node.Tests;

/// <summary>Rules that are plain functions: who gets room, how memory is divided.</summary>
public sealed class RulesTests
{
    private static readonly KvLayout Layout = new(new BlockSpan(0, 4), 1 << 12);

    [Fact]
    public void TryAdmit_WhatWasPromised_IsNotGivenTwice()
    {
        var ledger = new SessionLedger(256 * Layout.PositionBytes, TimeProvider.System);

        Assert.NotNull(ledger.TryAdmit(65, Layout));
        Assert.NotNull(ledger.TryAdmit(64, Layout));
        Assert.Equal(64, ledger.FreeTokens(Layout));
        Assert.Null(ledger.TryAdmit(65, Layout));
        Assert.NotNull(ledger.TryAdmit(64, Layout));
        Assert.Equal((0, 3), (ledger.FreeTokens(Layout), ledger.Count));
    }

    [Fact]
    public void TryGrow_BeyondThePromise_TakesWhatIsFreeOnly()
    {
        var ledger = new SessionLedger(256 * Layout.PositionBytes, TimeProvider.System);
        SessionLease first = ledger.TryAdmit(64, Layout)!;
        SessionLease second = ledger.TryAdmit(64, Layout)!;

        Assert.True(ledger.TryGrow(first, 10, Layout));
        Assert.True(ledger.TryGrow(first, 192, Layout));
        Assert.False(ledger.TryGrow(second, 65, Layout));
        ledger.Release(first);
        Assert.True(ledger.TryGrow(second, 65, Layout));
        ledger.Release(second);
        ledger.Release(second);
        Assert.Equal((256, 0), (ledger.FreeTokens(Layout), ledger.Count));
    }

    [Fact]
    public void TryAdmit_SessionsOfTwoSpans_ShareTheBytes()
    {
        var wide = new KvLayout(new BlockSpan(0, 8), 1 << 12);
        var ledger = new SessionLedger(4 * wide.PageBytes, TimeProvider.System);

        SessionLease first = ledger.TryAdmit(64, wide)!;
        SessionLease second = ledger.TryAdmit(64, Layout, PeerId.OfPublicKey([2]))!;
        Assert.Equal((2 * 64, 5 * 64), (ledger.FreeTokens(wide), ledger.FreeTokens(Layout)));
        Assert.False(ledger.TryGrow(first, 4 * 64, wide));
        Assert.True(ledger.TryGrow(first, 3 * 64, wide));
        Assert.True(ledger.TryGrow(second, 128, Layout));
        Assert.Equal(0, ledger.FreeBytes);
    }

    [Fact]
    public void BudgetBytes_LoweredBelowWhatIsPromised_PromisesNothingUntilEnoughIsBack()
    {
        var ledger = new SessionLedger(4 * Layout.PageBytes, TimeProvider.System);
        SessionLease first = ledger.TryAdmit(128, Layout)!;
        ledger.TryAdmit(64, Layout);

        ledger.BudgetBytes = 2 * Layout.PageBytes;

        Assert.Equal(0, ledger.FreeBytes);
        Assert.Null(ledger.TryAdmit(1, Layout));
        ledger.Release(first);
        Assert.NotNull(ledger.TryAdmit(1, Layout));
    }

    [Fact]
    public void TryTake_RetainedRows_AreChargedToTheLeaseAndLeaveThePartForNewcomers()
    {
        var ledger = new SessionLedger(8 * Layout.PageBytes, TimeProvider.System);
        SessionLease lease = ledger.TryAdmit(64, Layout)!;

        Assert.True(lease.TryTake(5 * Layout.PageBytes));
        Assert.False(lease.TryTake((1 * Layout.PageBytes) + 1));
        Assert.True(lease.TryTake(1 * Layout.PageBytes));
        Assert.False(lease.TryTake(1));
        Assert.Equal(64, ledger.FreeTokens(Layout));
        lease.Return(2 * Layout.PageBytes);
        Assert.Equal(3 * 64, ledger.FreeTokens(Layout));

        ledger.Release(lease);
        lease.Return(4 * Layout.PageBytes);

        Assert.Equal(8 * 64, ledger.FreeTokens(Layout));
        Assert.False(lease.TryTake(1));
    }

    [Theory]
    [InlineData(100, 50, 40, 200, MoveOrder.LoadFirst)]
    [InlineData(100, 60, 40, 200, MoveOrder.LoadFirst)]
    [InlineData(100, 61, 40, 200, MoveOrder.DropFirst)]
    [InlineData(160, 0, 40, 200, MoveOrder.LoadFirst)]
    public void Order_WhatIsHeldAndWhatComes_LoadsFirstWhereBothFit(long held, long load, long pool, long memory, MoveOrder order) =>
        Assert.Equal(order, MemoryPlan.Order(held, load, pool, memory));

    [Theory]
    // Half of what is free, where the model could use more; else what the larger of weights and caches asks for.
    [InlineData(1_000_000, 900_000, 1 << 7, 2048, 500_000)]
    [InlineData(100_000_000, 30_000_000, 1 << 4, 64, 40_000_000)]
    [InlineData(1_000_000_000, 1_000_000, 1 << 12, 8192, 4L * 8 * 128 * (1 << 14))]
    [InlineData(1_000_000_000, 1_000, 1 << 12, 64, 4L * 8 * (1 << 14))]
    public void Default_WhatIsFree_IsHalfOfItAtMost(long free, long model, long blockPageBytes, int context, long expected)
    {
        var layout = new KvLayout(new BlockSpan(0, 4), blockPageBytes);

        long memory = MemoryPlan.Default(free, model, layout, context);

        Assert.Equal(expected, memory);
        if (memory < free / 2)
            MemoryPlan.Check(new BlockSpan(0, 4), model, layout, memory);
    }

    [Theory]
    [InlineData(1L << 30, 1 << 20, 1 << 14)]
    [InlineData(1L << 22, 1 << 18, 1 << 16)]
    [InlineData(1L << 33, 100_000_000, 1 << 18)]
    public void MostBlocks_AnyMemory_FitsWithItsPoolAndOneMoreDoesNot(long memory, long blockBytes, long pageBytes)
    {
        int most = MemoryPlan.MostBlocks(memory, blockBytes, pageBytes * (MemoryPlan.LeastTokens / 64));

        Assert.True(most > 0);
        Assert.True(Needs(most) <= memory, $"{most} blocks need {Needs(most)}");
        Assert.True(Needs(most + 1) > memory, $"{most + 1} blocks need {Needs(most + 1)}");

        long Needs(int count) => count * blockBytes + MemoryPlan.PoolBytes(memory, new KvLayout(new BlockSpan(0, count), pageBytes));
    }

    [Fact]
    public void Check_BlocksThatDoNotFit_NamesThemAndBothSizes()
    {
        var layout = new KvLayout(new BlockSpan(2, 4), 1 << 16);

        SwarmException fault = Assert.Throws<SwarmException>(() => MemoryPlan.Check(new BlockSpan(2, 4), 1 << 20, layout, 1 << 20));

        Assert.Equal(FaultKind.NoCapacity, fault.Fault);
        Assert.Contains("2:4", fault.Message);
        Assert.Contains((1 << 20).ToString(), fault.Message);
    }
}
