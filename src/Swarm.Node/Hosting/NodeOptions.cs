using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Swarm.Kernels;
using Swarm.Models;
using Swarm.Node.Compute;
using Swarm.Protocol;
using Swarm.Protocol.Membership;
using Swarm.Protocol.Transport;

namespace Swarm.Node;

/// <summary>What a node is started with.</summary>
public sealed record NodeOptions
{
    /// <summary>First port that is tried when none is given.</summary>
    public const int FirstPort = 31330;

    /// <summary>The model; disposed with the node.</summary>
    public required ModelSource Source { get; init; }

    /// <summary>Who computes; disposed with the node.</summary>
    public required KernelSet Kernels { get; init; }

    /// <summary>Blocks to serve. Default: the longest stretch that nobody covers, as far as the memory goes.</summary>
    public BlockSpan? Blocks { get; init; }

    /// <summary>
    /// Bounds weights and KV pool together (a quarter for the pool, at least 1,024 positions). Default: half of what the machine has free, and no more than the whole model could
    /// use (<see cref="Placement.MemoryPlan.Default"/>).
    /// </summary>
    public long? MemoryBytes { get; init; }

    /// <summary>Where to listen; port 0 takes any free port. Default: the first free port from 31330 on all addresses.</summary>
    public PeerAddress? Listen { get; init; }

    /// <summary>Who this node is; stays the caller's. Two running nodes never share one.</summary>
    public required PeerKey Key { get; init; }

    /// <summary>What makes it a member. Where it names a model, the node serves that and no other.</summary>
    public required SwarmInvite Invite { get; init; }

    /// <summary>The invite that the node hands out, with its own addresses in it. Default: the one that it came by.</summary>
    public SwarmInvite? HandedOut { get; init; }

    /// <summary>Nobody of the swarm within reach is no failure: the node founds the swarm, or goes ahead and keeps calling.</summary>
    public bool MayStartAlone { get; init; }

    /// <summary>Whom to call first. Default: the invite's addresses.</summary>
    public IReadOnlyList<PeerEndpoint>? Bootstrap { get; init; }

    /// <summary>Most positions of a session. Default: the model's context.</summary>
    public int? Context { get; init; }

    /// <summary>Time that one request to another node may take.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Makes the transport by which others are reached; it is disposed with the node.</summary>
    public required Func<PeerCredentials, ITransport> Transport { get; init; }

    /// <summary>Where passes run; disposed with the node. Default: a thread of its own.</summary>
    public IComputeExecutor? Executor { get; init; }

    /// <summary>Where blocks are loaded; disposed with the node. Default: a thread of its own, below normal priority.</summary>
    public IComputeExecutor? Loader { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;

    public IRandomSource Random { get; init; } = SystemRandomSource.Instance;

    /// <summary>Where the node logs, under <see cref="LogCategories"/>. Default: nowhere.</summary>
    public ILoggerFactory LoggerFactory { get; init; } = NullLoggerFactory.Instance;

    /// <summary>Program version that is announced.</summary>
    public string Version { get; init; } = "0.1.0";

    /// <summary>Told what happens, from whatever thread it happens on; must not block.</summary>
    public Action<NodeEvent>? OnEvent { get; init; }
}
