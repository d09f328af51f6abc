using Swarm.Models;
using Swarm.Protocol;
using Swarm.Protocol.Links;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;
using Swarm.Testing;

namespace Swarm.Node.Tests.Sessions;

/// <summary>A client that opens sessions without end takes no more than leaves room for others.</summary>
public sealed class GreedyClientTests
{
    [Fact]
    public async Task Open_WithoutEnd_IsToldToComeAgainAndAnotherClientComesIn()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestData.Path("families/llama"), inMemory: true);
        NodeHost node = await cluster.AddAsync(cluster.OptionsFor(new BlockSpan(0, 4)) with { Time = new ManualTime(DateTimeOffset.UtcNow) });
        await using ITransport transport = cluster.NewTransport();
        await using ITransport another = cluster.NewTransport();
        await using RawLink greedy = await RawLink.GreetAsync(transport, node.Address);
        long free = node.CacheTokensFree;

        Fault? refusal = null;
        int opened = 0;
        while (refusal is null)
        {
            greedy.Session = new SessionId(1, (ulong)opened + 1);
            await greedy.SendAsync(new LinkFrame { Open = RawLink.Request(node) });
            LinkFrame answer = await greedy.ReceiveAsync();
            refusal = answer.Fault;
            opened += answer.Opened is null ? 0 : 1;
        }

        Assert.Equal((FaultKind.NoCapacity, 2000u), (refusal.Kind, refusal.RetryAfterMilliseconds));
        Assert.Contains($"in {opened} sessions, among 1 clients", refusal.Message);
        Assert.True(
            opened == ChainLimits.MaxSessions * 7 / 8 || node.CacheTokensFree - 64 < free / 8, $"{opened} sessions, {node.CacheTokensFree} of {free} tokens free");

        // It is one client, by whatever link it comes; another finds room, and the refused one is not let in before it.
        await using RawLink second = await RawLink.GreetAsync(transport, node.Address);
        second.Session = new SessionId(2, 1);
        await second.SendAsync(new LinkFrame { Open = RawLink.Request(node) });
        Assert.Equal(FaultKind.NoCapacity, (await second.ReceiveFaultAsync()).Kind);
        await using RawLink honest = await RawLink.GreetAsync(another, node.Address);
        honest.Session = new SessionId(3, 1);
        await honest.OpenSessionAsync(node);
        await honest.SendAsync(RawLink.Step(0, 0, 2, 64));
        await honest.ReceiveAsync(LinkFrame.BodyOneofCase.Result);
        Assert.Equal(opened + 1, node.Sessions);
    }
}
