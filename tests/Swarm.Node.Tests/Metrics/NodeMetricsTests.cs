using Swarm.Models;
using Swarm.Node.Metrics;
using Swarm.Testing;

namespace Swarm.Node.Tests.Metrics;

/// <summary>What a node tells of itself when somebody asks.</summary>
public sealed class NodeMetricsTests
{
    [Fact]
    public async Task Collect_OfANodeOfTwo_TellsWhomItKnowsAndWhatItHolds()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestData.Path("families/llama"), inMemory: true, new BlockSpan(0, 2), new BlockSpan(2, 4));
        NodeHost node = cluster.Nodes[1];
        using var collector = new MetricsCollector(name => name == NodeMeter.Name);
        using var metrics = new NodeMetrics(node);
        string text = collector.Collect();

        // It read the first one's announcement before it chose its blocks, and holds its own records.
        Assert.Contains("# TYPE swarm_directory_nodes gauge\nswarm_directory_nodes 2\n", text, StringComparison.Ordinal);
        Assert.Contains("# TYPE swarm_dht_records gauge\n", text, StringComparison.Ordinal);
        Assert.Matches("\nswarm_dht_records [1-9]", text);
        Assert.Contains("\nswarm_node_blocks 2\n", text, StringComparison.Ordinal);
        Assert.Contains("\nswarm_node_blocks_first 2\n", text, StringComparison.Ordinal);
        Assert.Contains("\nswarm_node_sessions 0\n", text, StringComparison.Ordinal);
    }
}
