using Swarm.Testing;

namespace Swarm.Client.Tests;

/// <summary>The model that comes with the program, through three nodes over loopback.</summary>
public sealed class RealModelTests
{
    [Fact]
    public async Task Logits_ThirtyNodes_EqualLocalBits()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestData.DefaultModel, inMemory: true, SwarmCluster.Split(30, 30));
        await using SwarmClient swarm = await cluster.ConnectAsync();
        await using LocalModel local = cluster.OpenLocal();

        TestModels.AssertSameBits(await TestModels.LogitsAsync(local), await TestModels.LogitsAsync(swarm));
    }

    [Fact]
    public async Task GenerateAsync_ThreeNodes_GivesTheLocalTextAndForwardsHopToHop()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestData.DefaultModel, inMemory: false, SwarmCluster.Split(30, 3));
        await using SwarmClient swarm = await cluster.ConnectAsync();
        await using LocalModel local = cluster.OpenLocal();
        const string prompt = "The capital of France is";
        var options = new GenerationOptions { MaxTokens = 24 };

        GenerationResult expected = await local.GenerateAsync(prompt, options).CompleteAsync();
        GenerationResult actual = await swarm.GenerateAsync(prompt, options).CompleteAsync();

        Assert.Equal(expected.Tokens, actual.Tokens);
        Assert.Equal(expected.Text, actual.Text);
        Assert.Contains("Paris", actual.Text);
        Assert.Equal(3, actual.Figures.Hops.Count);
        // One step for the prompt and one for each token but the last: every hop sent each of them on itself, the client sent each once.
        Assert.Equal(actual.Tokens.Count, actual.Figures.Steps);
        Assert.All(actual.Figures.Hops, hop => Assert.Equal(actual.Figures.Steps, hop.ForwardedDirectly));
    }
}
