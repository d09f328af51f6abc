using Swarm.Models;
using Swarm.Node;
using Swarm.Node.Compute;
using Swarm.Testing;

namespace Swarm.Client.Tests;

/// <summary>The daemon's types run without a thread of their own, as a simulation runs them.</summary>
public sealed class InlineTests
{
    [Fact]
    public async Task Logits_PassesInTheCallersThread_EqualLocalBits()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true);
        foreach (BlockSpan span in SwarmCluster.Split(4, 4))
        {
            NodeOptions options = cluster.OptionsFor(span);
            await cluster.AddAsync(options with { Executor = new InlineExecutor() });
        }

        await using SwarmClient swarm = await cluster.ConnectAsync();
        await using LocalModel local = cluster.OpenLocal();

        TestModels.AssertSameBits(await TestModels.LogitsAsync(local), await TestModels.LogitsAsync(swarm));
    }
}
