using Swarm.Node.Metrics;
using Swarm.Testing;

namespace Swarm.Client.Tests;

/// <summary>What a generation leaves in the client's instruments.</summary>
public sealed class ClientMeterTests
{
    [Fact]
    public async Task Generate_WhileSomebodyListens_CountsTokensAndTimes()
    {
        using var collector = new MetricsCollector(name => name == "Swarm.Client");
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true);
        await using LocalModel local = cluster.OpenLocal();
        await local.GenerateAsync([5, 17, 3], new GenerationOptions { MaxTokens = 4 }).CompleteAsync();
        string text = collector.Collect();

        // Other tests of this process generate too.
        Assert.Matches("swarm_client_tokens_total\\{gen_ai_token_type=\"input\"\\} ([3-9]|\\d\\d+)\n", text);
        Assert.Matches("swarm_client_tokens_total\\{gen_ai_token_type=\"output\"\\} ([1-9]|\\d\\d+)\n", text);
        Assert.Matches("swarm_client_time_to_first_token_seconds_count [1-9]", text);
    }
}
