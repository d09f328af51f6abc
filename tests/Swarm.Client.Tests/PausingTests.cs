using Swarm.Models;
using Swarm.Node;
using Swarm.Protocol;
using Swarm.Protocol.Directory;
using Swarm.Testing;

namespace Swarm.Client.Tests;

/// <summary>A node that takes nothing new, for a while or for good: what runs goes on, and clients go elsewhere without a failure.</summary>
public sealed class PausingTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task PauseAsync_SessionRuns_ItGoesOnAndNewOnesGoElsewhere()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, new BlockSpan(0, 4), new BlockSpan(0, 4));
        await using SwarmClient swarm = await cluster.ConnectAsync();
        await using InferenceSession running = await swarm.OpenSessionAsync();
        await running.PrefillAsync(new[] { 1, 2, 3 });
        PeerId peer = running.Route.Hops[0].Peer!.Value;
        NodeHost paused = cluster.Nodes.Single(node => node.Peer == peer);

        await paused.PauseAsync().WaitAsync(Patience);

        Assert.Equal((true, NodeState.Paused), (paused.IsPaused, paused.State));
        await running.StepAsync(4);
        for (int session = 0; session < 4; session++)
        {
            await using InferenceSession other = await swarm.OpenSessionAsync();
            Assert.NotEqual(peer, other.Route.Hops[0].Peer);
            await other.PrefillAsync(new[] { 1, 2, 3 });
        }

        await running.StepAsync(5);
    }

    [Fact]
    public async Task PauseAsync_NobodyElseServes_IsNoRouteUntilItResumes()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, new BlockSpan(0, 4));
        await using SwarmClient swarm = await cluster.ConnectAsync();

        await cluster.Nodes[0].PauseAsync().WaitAsync(Patience);
        SwarmException fault = await Assert.ThrowsAsync<SwarmException>(async () => await swarm.OpenSessionAsync());
        await cluster.Nodes[0].ResumeAsync().WaitAsync(Patience);
        await swarm.RefreshAsync();
        await using InferenceSession session = await swarm.OpenSessionAsync();

        Assert.Equal(FaultKind.NoRoute, fault.Fault);
        Assert.Equal(NodeState.Serving, cluster.Nodes[0].State);
        await session.PrefillAsync(new[] { 1 });
        await cluster.Events[0].WaitAsync(
            seen => seen.OfType<NodePaused>().Select(happened => happened.IsPaused).SequenceEqual([true, false]), "pause and its end");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task StopAsync_ClientsGenerateAllTheTime_NoneFails(bool inMemory)
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(
            TestModels.Llama, inMemory, new BlockSpan(0, 2), new BlockSpan(2, 4), new BlockSpan(0, 4));
        await using LocalModel local = cluster.OpenLocal();
        var options = new GenerationOptions { MaxTokens = 12, StopAtEndOfSequence = false };
        IReadOnlyList<int> expected = (await local.GenerateAsync([1, 2, 3], options).CompleteAsync()).Tokens;
        using var enough = new CancellationTokenSource();
        using var generated = new SemaphoreSlim(0);

        async Task GenerateAsync()
        {
            await using SwarmClient swarm = await cluster.ConnectAsync();
            while (!enough.IsCancellationRequested)
            {
                GenerationResult result = await swarm.GenerateAsync([1, 2, 3], options).CompleteAsync();
                Assert.Equal(expected, result.Tokens);
                generated.Release();
            }
        }

        async Task SomeAsync(Task[] clients)
        {
            for (int count = 0; count < 12; count++)
            {
                Task<bool> one = generated.WaitAsync(Patience);
                await await Task.WhenAny([one, .. clients]);
                Assert.True(await one, "no generation ended for a minute");
            }
        }

        Task[] clients = [.. Enumerable.Range(0, 3).Select(_ => Task.Run(GenerateAsync))];
        await SomeAsync(clients);
        await cluster.Nodes[1].StopAsync(Patience);
        await SomeAsync(clients);
        await enough.CancelAsync();
        await Task.WhenAll(clients).WaitAsync(Patience);

        await cluster.Events[1].WaitAsync(seen => seen.OfType<NodeStopped>().Any(stopped => stopped.CutSessions == 0), "stop that cuts no session off");
    }
}
