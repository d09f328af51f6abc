using Swarm.Models;
using Swarm.Protocol;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;
using Swarm.Testing;

namespace Swarm.Node.Tests.Sessions;

/// <summary>A client that is gone without a word, its connection still standing.</summary>
public sealed class VanishedClientTests
{
    [Fact]
    public async Task Session_ItsClientFallsSilent_LeaseIsFreeWithinFiveSeconds()
    {
        var time = new ManualTime(DateTimeOffset.UtcNow);
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestData.Path("families/llama"), inMemory: true);
        NodeHost node = await cluster.AddAsync(cluster.OptionsFor(new BlockSpan(0, 4)) with { Time = time });
        long free = node.CacheTokensFree;
        await using ITransport transport = cluster.NewTransport();
        await using RawLink link = await RawLink.GreetAsync(transport, node.Address);
        await link.OpenSessionAsync(node);
        await link.SendAsync(RawLink.Step(0, 0, 2, 64));
        await link.ReceiveAsync(LinkFrame.BodyOneofCase.Result);
        Assert.True(node.CacheTokensFree < free);

        // The link ends, the session waits for another way; then it ends as well.
        time.Advance(ChainTiming.Vanish);
        await link.ReceiveEndAsync();
        Assert.Equal(1, node.Sessions);
        time.Advance(ChainTiming.Hold);
        await cluster.WaitUntilIdleAsync();

        Assert.Equal(free, node.CacheTokensFree);
        Assert.Equal(0, node.CacheBytesUsed);
        Assert.True(ChainTiming.Vanish + ChainTiming.Hold < TimeSpan.FromSeconds(5));
    }
}
