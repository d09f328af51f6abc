using Swarm.Client;
using Swarm.Kernels;
using Swarm.Kernels.Cpu;
using Swarm.Models;
using Swarm.Node;
using Swarm.Protocol;
using Swarm.Protocol.Directory;
using Swarm.Protocol.Membership;
using Swarm.Protocol.Transport;

namespace Swarm.Testing;

/// <summary>A swarm in this process: nodes of the same types as the daemon's, over loopback sockets or in memory.</summary>
public sealed class SwarmCluster : IAsyncDisposable
{
    private readonly InMemoryNetwork? _network;
    private readonly string _model;
    private readonly List<NodeHost> _nodes = [];
    private readonly List<NodeEvents> _events = [];
    private readonly List<ITransport> _transports = [];
    private readonly HashSet<int> _killed = [];
    private readonly List<PeerKey> _keys = [];
    private readonly SwarmRoot _root = SwarmRoot.Found();
    private readonly SwarmInvite _first;
    private ulong _seed = 1;
    private int _port = 1;

    private SwarmCluster(string model, bool inMemory)
    {
        _model = model;
        _network = inMemory ? new InMemoryNetwork() : null;
        _first = _root.Issue([]);
    }

    /// <summary>The swarm's root.</summary>
    public SwarmRoot Root => _root;

    /// <summary>The nodes' clock.</summary>
    public TimeProvider Time { get; private init; } = TimeProvider.System;

    /// <summary>The nodes in the order of their start.</summary>
    public IReadOnlyList<NodeHost> Nodes => _nodes;

    /// <summary>How each of them reaches others.</summary>
    public IReadOnlyList<ITransport> Transports => _transports;

    /// <summary>What each of them reported.</summary>
    public IReadOnlyList<NodeEvents> Events => _events;

    /// <summary>An invite by the first node that was not killed; the first of all founds the swarm.</summary>
    public string Invite => _nodes[Enumerable.Range(0, _nodes.Count).First(index => !_killed.Contains(index))].Invite;

    /// <summary>Starts one node a span; the first founds the swarm, the others join it.</summary>
    public static Task<SwarmCluster> StartAsync(string model, bool inMemory, params BlockSpan[] spans) =>
        StartAsync(model, inMemory, TimeProvider.System, spans);

    /// <summary>The same by another clock: one that stands still never takes a busy machine's pause for a peer's silence.</summary>
    public static async Task<SwarmCluster> StartAsync(string model, bool inMemory, TimeProvider time, params BlockSpan[] spans)
    {
        var cluster = new SwarmCluster(model, inMemory) { Time = time };
        try
        {
            foreach (BlockSpan span in spans)
                await cluster.AddAsync(span);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Spans of as equal length as can be.</summary>
    public static BlockSpan[] Split(int blocks, int nodes) =>
        [.. Enumerable.Range(0, nodes).Select(index => new BlockSpan(index * blocks / nodes, (index + 1) * blocks / nodes))];

    /// <summary>Options of another node of this swarm.</summary>
    public NodeOptions OptionsFor(BlockSpan? blocks) => OptionsForInvite(blocks, _nodes.Count == 0 ? _first : SwarmInvite.Parse(Invite));

    /// <summary>Options of another node that comes by this invite; the first node may start alone.</summary>
    public NodeOptions OptionsForInvite(BlockSpan? blocks, SwarmInvite invite) => new()
    {
        Source = ModelSource.Open(_model),
        Kernels = new CpuKernels(1),
        Blocks = blocks,
        MemoryBytes = 1L << 30,
        Listen = new PeerAddress("127.0.0.1", _network is null ? 0 : _port++),
        Key = NewKey(),
        Invite = invite,
        MayStartAlone = _nodes.Count == 0,
        Transport = NewTransport,
        Time = Time,
        Random = new SeededRandomSource(_seed++),
    };

    /// <summary>Starts another node.</summary>
    public Task<NodeHost> AddAsync(BlockSpan? blocks) => AddAsync(OptionsFor(blocks));

    /// <summary>Starts another node.</summary>
    public async Task<NodeHost> AddAsync(NodeOptions options)
    {
        var events = new NodeEvents();
        ITransport? transport = null;
        NodeHost node = await NodeHost.StartAsync(options with
        {
            OnEvent = options.OnEvent is { } also ? events.Record + also : events.Record,
            Transport = credentials => transport = options.Transport(credentials),
        });
        _nodes.Add(node);
        _events.Add(events);
        _transports.Add(transport!);
        return node;
    }

    /// <summary>A way to reach the nodes, for a member.</summary>
    public ITransport NewTransport(PeerCredentials credentials)
    {
        var options = new TransportOptions { Credentials = credentials };
        return _network is null ? new GrpcTransport(options) : new InMemoryTransport(_network, options);
    }

    /// <summary>A way to reach the nodes, for a member of whom nobody knows yet.</summary>
    public ITransport NewTransport() => NewTransport(PeerCredentials.Create(NewKey(), _first, TimeProvider.System));

    /// <summary>A peer that only looks, on the swarm's own invite.</summary>
    public SwarmMember NewMember(Func<PeerCredentials, ITransport>? transport = null) => new(new MemberOptions
    {
        Key = NewKey(),
        Invite = _first,
        Transport = transport ?? NewTransport,
        IsClient = true,
        Time = TimeProvider.System,
        Random = new SeededRandomSource(_seed++),
    });

    /// <summary>A key that lives as long as the cluster.</summary>
    public PeerKey NewKey()
    {
        var key = PeerKey.Create();
        _keys.Add(key);
        return key;
    }

    /// <summary>Options of a client of this swarm.</summary>
    public SwarmClientOptions ClientOptions(string? model = null, KernelSet? kernels = null) => new()
    {
        Invite = Invite,
        Model = model ?? _model,
        Kernels = kernels ?? new CpuKernels(1),
        Transport = NewTransport,
        Random = new SeededRandomSource(_seed++),
    };

    /// <summary>A client of this swarm.</summary>
    public Task<SwarmClient> ConnectAsync() => SwarmClient.ConnectAsync(ClientOptions());

    /// <summary>The same model in this process.</summary>
    public LocalModel OpenLocal() => LocalModel.Load(new LocalModelOptions { Source = ModelSource.Open(_model), Kernels = new CpuKernels(1) });

    /// <summary>Ends when each node has seen so many sessions or more and all are over; fails after a minute.</summary>
    public async Task WaitUntilIdleAsync(int sessions = 1)
    {
        foreach (NodeEvents events in _events)
            await events.WaitUntilIdleAsync(sessions);
    }

    /// <summary>Takes a node away as a crash would: its sockets close, nobody is told.</summary>
    public ValueTask KillAsync(int index)
    {
        _killed.Add(index);
        return _transports[index].DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (NodeHost node in _nodes)
            await node.DisposeAsync();
        _keys.ForEach(key => key.Dispose());
        _root.Dispose();
    }
}
