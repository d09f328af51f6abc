using Swarm.Models;
using Swarm.Node;
using Swarm.Protocol;
using Swarm.Protocol.Transport;

namespace Swarm.Simulation;

/// <summary>A node of a <see cref="SimulatedSwarm"/> through all its lives.</summary>
public sealed class SimulatedNode
{
    private VirtualExecutor? _executor;

    internal SimulatedNode(int number, PeerKey key, PeerAddress address, BlockSpan blocks, ComputeSpeed speed, long memoryBytes, TimeSpan skew, double rate)
    {
        Number = number;
        Key = key;
        Address = address;
        Blocks = blocks;
        Speed = speed;
        MemoryBytes = memoryBytes;
        Skew = skew;
        Rate = rate;
    }

    public int Number { get; }

    public PeerKey Key { get; }

    public PeerAddress Address { get; }

    public BlockSpan Blocks { get; }

    public ComputeSpeed Speed { get; }

    public long MemoryBytes { get; }

    public TimeSpan Skew { get; }

    public double Rate { get; }

    /// <summary>Its process, or its last one; null before its start.</summary>
    public VirtualProcess? Process { get; private set; }

    /// <summary>The running node; null before it serves and after it ended.</summary>
    public NodeHost? Host { get; private set; }

    /// <summary>What it reported, in all its lives.</summary>
    public List<NodeEvent> Events { get; } = [];

    /// <summary>How much longer its device takes.</summary>
    public double Slowness
    {
        get => _executor?.Slowness ?? 1;
        set => _executor!.Slowness = value;
    }

    /// <summary>Takes the node away in the middle of what it does.</summary>
    public void Kill(SimulatedNetwork network, bool silently)
    {
        ArgumentNullException.ThrowIfNull(network);
        Host = null;
        network.Kill(Process!, silently);
    }

    /// <summary>Lets it leave as SIGTERM does.</summary>
    public async Task LeaveAsync(TimeSpan drain)
    {
        NodeHost host = Host!;
        Host = null;
        await Process!.StartAsync(async () =>
        {
            await host.StopAsync(drain);
            await host.DisposeAsync();
            return true;
        });
        Process.End();
    }

    internal async Task StartAsync(VirtualProcess process, NodeOptions options)
    {
        Process = process;
        NodeHost host = await process.StartAsync(() => NodeHost.StartAsync(options));
        if (Process == process && !process.IsEnded)
            Host = host;
    }

    internal VirtualExecutor NewExecutor(VirtualProcess process) => _executor = new VirtualExecutor(process, Speed);

    internal void OnEvent(NodeEvent happened) => Events.Add(happened);
}
