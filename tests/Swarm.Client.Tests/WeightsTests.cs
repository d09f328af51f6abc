using Swarm.Kernels;
using Swarm.Kernels.Cpu;
using Swarm.Models;
using Swarm.Node;
using Swarm.Protocol;
using Swarm.Protocol.Directory;
using Swarm.Protocol.Transport;
using Swarm.Testing;

namespace Swarm.Client.Tests;

/// <summary>A swarm that quantizes its model while loading: who brings it chooses how, the others follow, and whoever chose otherwise is told.</summary>
public sealed class WeightsTests
{
    [Theory]
    [InlineData(WeightFormat.Q8_0)]
    [InlineData(WeightFormat.Q4_0)]
    public async Task Join_WithoutAChoice_FollowsTheSwarmAndComputesItsBits(WeightFormat format)
    {
        await using SwarmCluster cluster = await StartAsync(format);
        NodeHost joined = await cluster.AddAsync(new BlockSpan(2, 4));
        Assert.Equal(cluster.Nodes[0].ModelIdentity, joined.ModelIdentity);
        Assert.All(joined.Directory.Nodes, node => Assert.Equal(ModelIdentity.WeightsName(format), node.Weights));
        await using SwarmClient swarm = await cluster.ConnectAsync();
        await using LocalModel local = Local(format);
        await using LocalModel stored = Local(null);

        Assert.Equal(local.Ends.WeightBytes, swarm.Ends.WeightBytes);
        float[][] logits = await TestModels.LogitsAsync(swarm);
        TestModels.AssertSameBits(await TestModels.LogitsAsync(local), logits);
        Assert.NotEqual(await TestModels.LogitsAsync(stored), logits);
    }

    [Fact]
    public async Task Start_SameChoice_IsTheSameModel()
    {
        await using SwarmCluster cluster = await StartAsync(WeightFormat.Q8_0);
        NodeHost joined = await cluster.AddAsync(With(cluster.OptionsFor(new BlockSpan(2, 4)), WeightFormat.Q8_0));
        Assert.Equal(cluster.Nodes[0].ModelIdentity, joined.ModelIdentity);
    }

    [Fact]
    public async Task Join_AnotherChoiceThanTheInvites_ModelMismatchNamesBoth()
    {
        await using SwarmCluster cluster = await StartAsync(WeightFormat.Q8_0);
        SwarmException refusal = await Assert.ThrowsAsync<SwarmException>(() => cluster.AddAsync(With(cluster.OptionsFor(new BlockSpan(2, 4)), WeightFormat.Q4_0)));
        Assert.Equal(FaultKind.ModelMismatch, refusal.Fault);
        Assert.Contains("with weights q4_0", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("with weights q8_0", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Connect_AnotherChoiceThanTheSwarms_ModelMismatchNamesBoth()
    {
        await using SwarmCluster cluster = await StartAsync(WeightFormat.Q8_0);
        SwarmException refusal = await Assert.ThrowsAsync<SwarmException>(() => SwarmClient.ConnectAsync(
            cluster.ClientOptions() with { Model = null, Source = ModelSource.Open(TestModels.Llama).WithWeights(WeightFormat.Q4_0) }));
        Assert.Equal(FaultKind.ModelMismatch, refusal.Fault);
        Assert.Contains("with weights q4_0", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("weights q8_0)", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Look_SwarmWithWeights_ModelEntryTellsThem()
    {
        await using SwarmCluster cluster = await StartAsync(WeightFormat.Q4_0);
        await using SwarmMember member = cluster.NewMember();
        await member.JoinAsync([new PeerEndpoint(cluster.Nodes[0].Peer, cluster.Nodes[0].Addresses)], mayBeAlone: false, CancellationToken.None);
        ModelEntry entry = Assert.Single(await member.Models.FindAsync(CancellationToken.None));
        Assert.Equal("q4_0", entry.Weights);
    }

    private static async Task<SwarmCluster> StartAsync(WeightFormat format)
    {
        SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true);
        await cluster.AddAsync(With(cluster.OptionsFor(new BlockSpan(0, 2)), format));
        return cluster;
    }

    private static NodeOptions With(NodeOptions options, WeightFormat format) => options with { Source = options.Source.WithWeights(format) };

    private static LocalModel Local(WeightFormat? format) =>
        LocalModel.Load(new LocalModelOptions { Source = ModelSource.Open(TestModels.Llama).WithWeights(format), Kernels = new CpuKernels(1) });
}
