using Swarm.Testing;
using Xunit.Abstractions;

namespace Swarm.Client.Tests;

/// <summary>Tests that measure this whole process: none runs beside them.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AloneCollection
{
    public const string Name = "alone";
}

/// <summary>What a decode step leaves to the garbage collector on a node.</summary>
[Collection(AloneCollection.Name)]
public sealed class AllocationTests(ITestOutputHelper output)
{
    // The aim is 2 KB: what is left is the messages of the wire as generated classes, the telemetry of hops above all.
    private const int MostBytes = 2600;
    private const int Warm = 80;
    private const int Steps = 160;

    [Fact]
    public async Task DecodeStep_AfterTheFirst_AllocatesLittleOnANode()
    {
        // Client and ends are the same with one node and with three: the difference is two nodes'.
        double one = await BytesAStepAsync(1);
        double three = await BytesAStepAsync(3);
        double node = (three - one) / 2;
        output.WriteLine($"{one:F0} bytes a step with one node, {three:F0} with three: {node:F0} a node");
        Assert.InRange(node, 0, MostBytes);
    }

    private static async Task<double> BytesAStepAsync(int nodes)
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: false, SwarmCluster.Split(4, nodes));
        await using SwarmClient swarm = await cluster.ConnectAsync();
        await using InferenceSession session = await swarm.OpenSessionAsync();
        float[] result = new float[swarm.Config.Hidden];
        int[] id = [7];
        for (int step = 0; step < Warm; step++)
            await session.ForwardAsync(id, OutputRows.Last, result);
        long before = GC.GetTotalAllocatedBytes(precise: true);
        for (int step = 0; step < Steps; step++)
            await session.ForwardAsync(id, OutputRows.Last, result);
        return (double)(GC.GetTotalAllocatedBytes(precise: true) - before) / Steps;
    }
}
