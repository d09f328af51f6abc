using Swarm.Testing;

namespace Swarm.Client.Tests;

/// <summary>More sessions than a connection has streams.</summary>
public sealed class CrowdTests
{
    private const int Sessions = 300;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Sessions_ThreeHundredThroughOneHopPair_AllGoOnAtOnce(bool inMemory)
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory, SwarmCluster.Split(4, 2));
        await using SwarmClient swarm = await cluster.ConnectAsync();
        InferenceSession[] sessions = await Task.WhenAll(Enumerable.Range(0, Sessions).Select(_ => swarm.OpenSessionAsync(new ChainSessionOptions { ExpectedPositions = 8 }).AsTask()));
        Assert.All(cluster.Nodes, node => Assert.Equal(Sessions, node.Sessions));

        // Each asks for its token without waiting for another's.
        Memory<float>[] results = [.. sessions.Select(_ => new float[swarm.Config.Hidden])];
        for (int token = 0; token < 3; token++)
        {
            ReadOnlyMemory<int>[] ids = [.. sessions.Select((_, index) => new ReadOnlyMemory<int>([(index % 7) + token]))];
            await swarm.ForwardTogetherAsync(sessions, ids, OutputRows.Last, results);
        }

        Assert.All(cluster.Nodes, node => Assert.Equal(Sessions, node.Sessions));
        for (int index = 7; index < Sessions; index++)
            Assert.True(results[index].Span.SequenceEqual(results[index % 7].Span), $"session {index} has other bits than session {index % 7}");
        Assert.Equal(7, results.Take(7).Select(row => row.ToArray()[0]).Distinct().Count());
        await Task.WhenAll(sessions.Select(session => session.DisposeAsync().AsTask()));
        await cluster.WaitUntilIdleAsync(Sessions);
    }
}
