using Swarm.Models;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;
using Swarm.Testing;

namespace Swarm.Node.Tests.Sessions;

/// <summary>What a node says of its device while sessions use a link.</summary>
public sealed class ProgressTests
{
    private const int Hidden = 64;

    [Fact]
    public async Task Progress_OfANodeWithWork_CountsTokensTimesBlocksAndWhatWaits()
    {
        using var executor = new HeldExecutor();
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestData.Path("families/llama"), inMemory: true);
        NodeHost node = await cluster.AddAsync(cluster.OptionsFor(new BlockSpan(0, 4)) with { Executor = executor });
        await using ITransport transport = cluster.NewTransport();
        await using RawLink link = await RawLink.GreetAsync(transport, node.Address);
        await link.OpenSessionAsync(node);
        Progress before = await ReceiveProgressAsync(link, progress => progress.PendingSteps == 0);

        executor.Hold();
        await link.SendAsync(RawLink.Step(0, 0, 3, Hidden));
        await link.SendAsync(RawLink.Step(1, 3, 2, Hidden));
        Progress held = await ReceiveProgressAsync(link, progress => progress.PendingSteps == 2);
        Assert.Equal(before.Units, held.Units);

        executor.Release();
        Progress after = await ReceiveProgressAsync(link, progress => progress.PendingSteps == 0);
        Assert.Equal(before.Units + (5 * 4), after.Units);
    }

    private static async Task<Progress> ReceiveProgressAsync(RawLink link, Predicate<Progress> wanted)
    {
        while (true)
        {
            LinkFrame frame = await link.ReceiveAnyAsync();
            if (frame.BodyCase == LinkFrame.BodyOneofCase.Progress && wanted(frame.Progress))
                return frame.Progress;
        }
    }
}
