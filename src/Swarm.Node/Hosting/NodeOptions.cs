using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Swarm.Kernels;
using Swarm.Models;
using Swarm.Node.Compute;
using Swarm.Protocol;
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

    /// <summary>Invite of the swarm to join. Default: found one.</summary>
    public string? Join { get; init; }

    /// <summary>Replaces the invite's addresses.</summary>
    public PeerAddress? Dial { get; init; }

    /// <summary>Most positions of a session. Default: the model's context.</summary>
    public int? Context { get; init; }

    /// <summary>Time that one request to another node may take.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How others are reached; disposed with the node.</summary>
    public required ITransport Transport { get; init; }

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
