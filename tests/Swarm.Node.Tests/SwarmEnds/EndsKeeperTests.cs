using Swarm.Kernels.Cpu;
using Swarm.Models;
using Swarm.Models.Blocks;
using Swarm.Node.Placement;
using Swarm.Node.SwarmEnds;
using Swarm.Protocol;
using Swarm.Testing;

namespace Swarm.Node.Tests.SwarmEnds;

/// <summary>Ends are loaded when they are needed, once a node, and stay while somebody uses them.</summary>
public sealed class EndsKeeperTests : IDisposable
{
    private readonly ModelSource _source = ModelSource.Open(TestData.Path("families/llama"));
    private readonly CpuKernels _kernels = new(1);
    private readonly List<EndParts> _asked = [];

    [Fact]
    public async Task TakeAsync_WhatIsThere_IsNotLoadedAgain()
    {
        using var keeper = new EndsKeeper(LoadAsync);

        EndsLease first = await keeper.TakeAsync(EndParts.Embedding);
        EndsLease second = await keeper.TakeAsync(EndParts.Embedding);
        EndsLease both = await keeper.TakeAsync(EndParts.Both);

        Assert.Equal([EndParts.Embedding, EndParts.Head], _asked);
        Assert.Same(first.Embedding, second.Embedding);
        Assert.Same(first.Embedding, both.Embedding);
        Assert.NotNull(both.Head);
        Assert.Null(first.Head);
        Assert.Equal(both.Embedding!.WeightBytes + both.Head!.WeightBytes, keeper.WeightBytes);
        Assert.Equal(2, keeper.Loads);
    }

    [Fact]
    public async Task TakeAsync_SeveralAtOnce_LoadOnce()
    {
        var loading = new TaskCompletionSource();
        using var keeper = new EndsKeeper(async parts =>
        {
            await loading.Task;
            return await LoadAsync(parts);
        });

        Task<EndsLease>[] all = [.. Enumerable.Range(0, 5).Select(_ => keeper.TakeAsync(EndParts.Head))];
        loading.SetResult();
        EndsLease[] leases = await Task.WhenAll(all);

        Assert.Equal([EndParts.Head], _asked);
        Assert.All(leases, lease => Assert.Same(leases[0].Head, lease.Head));
    }

    [Fact]
    public async Task TakeAsync_AfterAFailure_TriesAgain()
    {
        bool full = true;
        using var keeper = new EndsKeeper(parts => full ? throw new SwarmException(FaultKind.NoCapacity, "full") : LoadAsync(parts));

        Assert.Equal(FaultKind.NoCapacity, (await Assert.ThrowsAsync<SwarmException>(() => keeper.TakeAsync(EndParts.Both))).Fault);
        full = false;

        using EndsLease lease = await keeper.TakeAsync(EndParts.Both);
        Assert.NotNull(lease.Head);
    }

    [Fact]
    public async Task Trim_SomeInUse_FreesTheOthers()
    {
        using var keeper = new EndsKeeper(LoadAsync);
        EndsLease head = await keeper.TakeAsync(EndParts.Head);
        EndsLease again = await keeper.TakeAsync(EndParts.Head);
        EndsLease embedding = await keeper.TakeAsync(EndParts.Embedding);
        embedding.Dispose();
        head.Dispose();
        head.Dispose();

        keeper.Trim();

        Assert.Equal(again.Head!.WeightBytes, keeper.WeightBytes);
        again.Dispose();
        Assert.NotEqual(0, keeper.WeightBytes);
        keeper.Trim();
        Assert.Equal(0, keeper.WeightBytes);
        using EndsLease anew = await keeper.TakeAsync(EndParts.Head);
        Assert.Equal(3, keeper.Loads);
    }

    [Theory]
    [InlineData(100, true)]
    [InlineData(101, false)]
    public void CheckEnds_BesideBlocksAndCache_SaysHowManyBytesThereAre(long bytes, bool fits)
    {
        SwarmException? refusal = Record.Exception(() => MemoryPlan.CheckEnds(EndParts.Head, bytes, weightBytes: 500, poolBytes: 400, memoryBytes: 1000)) as SwarmException;

        Assert.Equal(fits, refusal is null);
        if (fits)
            return;
        Assert.Equal(FaultKind.NoCapacity, refusal!.Fault);
        Assert.Contains("head needs 101 bytes, 100 of 1000 are free", refusal.Message);
    }

    public void Dispose()
    {
        _kernels.Dispose();
        _source.Dispose();
    }

    private Task<ModelEnds> LoadAsync(EndParts parts)
    {
        _asked.Add(parts);
        return Task.FromResult(ModelEnds.Load(_source, _kernels, parts: parts));
    }
}
