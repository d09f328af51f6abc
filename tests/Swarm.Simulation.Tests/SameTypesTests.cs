using System.Reflection;
using Swarm.Client;
using Swarm.Kernels.Cpu;
using Swarm.Models;
using Swarm.Node;
using Swarm.Node.Compute;
using Swarm.Protocol;
using Swarm.Protocol.Transport;

namespace Swarm.Simulation.Tests;

/// <summary>The simulation holds no rule of its own: what it runs is what the daemon and the SDK run.</summary>
public sealed class SameTypesTests
{
    /// <summary>The only types of theirs that it has its own forms of.</summary>
    private static readonly Type[] OwnForms = [typeof(ITransport), typeof(IComputeExecutor)];

    /// <summary>What of the options of a node differs from a daemon's defaults; key, invite, model and blocks are everybody's to say.</summary>
    private static readonly string[] NodeDifferences =
        ["Blocks", "Bootstrap", "Executor", "HandedOut", "Invite", "Key", "Kernels", "Listen", "Loader", "MayStartAlone", "MemoryBytes", "OnEvent", "Random", "Source", "Time", "Transport"];

    private static readonly string[] ClientDifferences = ["Invite", "Kernels", "Key", "Random", "Source", "Time", "Transport"];

    [Fact]
    public void Assembly_ItsTypes_TakeThePlaceOfTransportAndDeviceAlone()
    {
        var theirs = new HashSet<Assembly> { typeof(NodeHost).Assembly, typeof(SwarmClient).Assembly, typeof(PeerKey).Assembly, typeof(ModelSource).Assembly };
        List<Type> replaced = [];
        foreach (Type type in typeof(VirtualWorld).Assembly.GetTypes())
        {
            for (Type? parent = type.BaseType; parent is not null; parent = parent.BaseType)
                replaced.AddRange(theirs.Contains(parent.Assembly) ? [parent] : []);
            replaced.AddRange(type.GetInterfaces().Where(form => theirs.Contains(form.Assembly)));
        }

        Assert.Equal(OwnForms.OrderBy(form => form.Name), replaced.Distinct().OrderBy(form => form.Name));
    }

    [Fact]
    public void NodeOptions_OfASimulatedNode_AreADaemonsButForClockChanceTransportAndDevice()
    {
        using var swarm = new SimulatedSwarm(1, SimulationTestModel.Name, new RunTrace());
        SimulatedNode node = swarm.Add(new BlockSpan(0, 2), default);
        NodeOptions simulated = swarm.OptionsOf(node, swarm.NewProcess("node"));
        var plain = new NodeOptions { Source = simulated.Source, Kernels = simulated.Kernels, Key = simulated.Key, Invite = simulated.Invite, Transport = simulated.Transport };

        Assert.Empty(Different(plain, simulated).Except(NodeDifferences));
        Assert.IsType<VirtualExecutor>(simulated.Executor);
        Assert.IsType<VirtualProcess>(simulated.Time);
        Assert.IsType<SeededRandomSource>(simulated.Random);
        Assert.IsType<CpuKernels>(simulated.Kernels);
        simulated.Source.Dispose();
        simulated.Kernels.Dispose();
    }

    [Fact]
    public void ClientOptions_OfASimulatedClient_AreThoseOfTheSdkButForClockChanceAndTransport()
    {
        using var swarm = new SimulatedSwarm(1, SimulationTestModel.Name, new RunTrace());
        swarm.Add(new BlockSpan(0, 2), default);
        VirtualProcess process = swarm.NewProcess("client");
        SwarmClientOptions simulated = swarm.ClientOptions(process, [swarm.Nodes[0].Address]);
        var plain = new SwarmClientOptions { Invite = simulated.Invite };

        Assert.Empty(Different(plain, simulated).Except(ClientDifferences));
        simulated.Source!.Dispose();
        simulated.Kernels!.Dispose();
    }

    private static IEnumerable<string> Different<T>(T plain, T other) =>
        typeof(T).GetProperties().Where(property => property.CanWrite && !Equals(property.GetValue(plain), property.GetValue(other))).Select(property => property.Name);
}
