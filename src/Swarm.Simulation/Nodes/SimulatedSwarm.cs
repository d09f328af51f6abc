using System.Globalization;
using Swarm.Client;
using Swarm.Kernels.Cpu;
using Swarm.Models;
using Swarm.Node;
using Swarm.Protocol;
using Swarm.Protocol.Membership;
using Swarm.Protocol.Transport;

namespace Swarm.Simulation;

/// <summary>
/// A swarm in one thread on a virtual clock: the daemon's <see cref="NodeHost"/> and the SDK's <see cref="SwarmClient"/>, which differ from real ones in transport, clock, random source
/// and compute device alone. Keys are the seed's.
/// </summary>
public sealed class SimulatedSwarm : IDisposable
{
    private const int Port = 31330;

    private readonly string _model;
    private readonly SeededRandomSource _keys;
    private readonly SwarmRoot _root;
    private readonly SwarmInvite _invite;
    private readonly List<PeerKey> _made = [];
    private readonly List<SimulatedNode> _nodes = [];
    private readonly SeededRandomSource _seeds;

    /// <param name="seed">Decides everything.</param>
    /// <param name="model">As <see cref="ModelSource.Open"/> takes it.</param>
    /// <param name="trace">Told what happens.</param>
    public SimulatedSwarm(ulong seed, string model, RunTrace trace)
    {
        _seeds = new SeededRandomSource(seed ^ 0x6A09E667F3BCC909);
        _model = model;
        Trace = trace;
        _keys = new SeededRandomSource(seed ^ 0x5851F42D4C957F2D);
        Network = new SimulatedNetwork(World, new SeededRandomSource(seed ^ 0x14057B7EF767814F), trace);
        _root = SwarmRoot.Of(NewKey());
        _invite = _root.Issue([], null, NewKey());
    }

    public VirtualWorld World { get; } = new();

    public SimulatedNetwork Network { get; }

    public RunTrace Trace { get; }

    /// <summary>The nodes, those that are gone included, in the order in which they were added.</summary>
    public IReadOnlyList<SimulatedNode> Nodes => _nodes;

    /// <summary>Enters a node; it starts by <see cref="StartAsync"/>.</summary>
    /// <param name="blocks">What it serves.</param>
    /// <param name="speed">Of its device.</param>
    /// <param name="memoryBytes">For weights and caches.</param>
    /// <param name="skew">How far its date is off.</param>
    /// <param name="rate">How fast its clock goes.</param>
    public SimulatedNode Add(BlockSpan blocks, ComputeSpeed speed, long memoryBytes = 1 << 26, TimeSpan skew = default, double rate = 1)
    {
        int number = _nodes.Count;
        var node = new SimulatedNode(
            number, NewKey(), new PeerAddress(string.Create(CultureInfo.InvariantCulture, $"10.0.0.{number + 1}"), Port), blocks, speed, memoryBytes, skew, rate);
        _nodes.Add(node);
        return node;
    }

    /// <summary>Starts a node in a process of its own; again after it ended. Ends when it serves.</summary>
    public Task StartAsync(SimulatedNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        if (node.Process is { } former)
            Network.Revive(former);
        VirtualProcess process = NewProcess($"node{node.Number}", node.Skew, node.Rate);
        return node.StartAsync(process, OptionsOf(node, process));
    }

    /// <summary>What a node is started with.</summary>
    internal NodeOptions OptionsOf(SimulatedNode node, VirtualProcess process)
    {
        // The first founds the swarm; others come by those who were there before them, and who comes back by all.
        PeerAddress[] others = [.. _nodes.Where(other => other != node && other.Process is not null).Select(other => other.Address)];
        return new NodeOptions
        {
            Source = ModelSource.Open(_model),
            Kernels = new CpuKernels(1),
            Blocks = node.Blocks,
            MemoryBytes = node.MemoryBytes,
            Listen = node.Address,
            Key = node.Key,
            Invite = _invite.WithAddresses([.. others.Take(8)]),
            MayStartAlone = others.Length == 0,
            Transport = credentials => NewTransport(process, credentials),
            Time = process,
            Random = NewRandom(),
            Executor = node.NewExecutor(process),
            Loader = new VirtualExecutor(process, default),
            OnEvent = node.OnEvent,
        };
    }

    /// <summary>A process for a client.</summary>
    public VirtualProcess NewProcess(string name, TimeSpan skew = default, double rate = 1) => new(World, name) { Skew = skew, Rate = rate };

    /// <summary>Connects a client; to be called in its process.</summary>
    public Task<SwarmClient> ConnectAsync(VirtualProcess process, EndsMode ends = EndsMode.Local) => SwarmClient.ConnectAsync(
        ClientOptions(process, [.. _nodes.Where(node => node.Process is not null).Select(node => node.Address).Take(8)]) with { Ends = ends });

    /// <summary>What a client is made with.</summary>
    internal SwarmClientOptions ClientOptions(VirtualProcess process, IReadOnlyList<PeerAddress> known) => new()
    {
        Invite = _invite.WithAddresses(known).ToText(),
        Source = ModelSource.Open(_model),
        Kernels = new CpuKernels(1),
        Key = NewKey(),
        Transport = credentials => NewTransport(process, credentials),
        Time = process,
        Random = NewRandom(),
    };

    public void Dispose()
    {
        foreach (PeerKey key in _made)
            key.Dispose();
    }

    private SimulatedTransport NewTransport(VirtualProcess process, PeerCredentials credentials) =>
        new(Network, process, new TransportOptions { Credentials = credentials, TimeProvider = process });

    // Each its own: two clients that draw the same would ask for sessions of one name.
    private SeededRandomSource NewRandom() => new(_seeds.NextUInt64());

    private PeerKey NewKey()
    {
        byte[] scalar = new byte[32];
        _keys.Fill(scalar);
        scalar[0] &= 0x7f;
        var key = PeerKey.FromScalar(scalar);
        _made.Add(key);
        return key;
    }
}
