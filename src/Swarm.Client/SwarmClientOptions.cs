using Swarm.Kernels;
using Swarm.Models;
using Swarm.Protocol;
using Swarm.Protocol.Membership;
using Swarm.Protocol.Transport;

namespace Swarm.Client;

/// <summary>What a client of a swarm is made with.</summary>
public sealed record SwarmClientOptions
{
    /// <summary>An invite of the swarm; any member's serves.</summary>
    public required string Invite { get; init; }

    /// <summary>
    /// The model, as <see cref="ModelSource.Open"/> takes it. Needed for its configuration, tokenizer and, unless the nodes have them (<see cref="Ends"/>), its two ends; its blocks
    /// are not read.
    /// </summary>
    public string? Model { get; init; }

    /// <summary>Where names of models are looked up.</summary>
    public IReadOnlyList<string> ModelsFolders { get; init; } = [];

    /// <summary>The model, opened already; in place of <see cref="Model"/>. Disposed with the client.</summary>
    public ModelSource? Source { get; init; }

    /// <summary>Who computes the ends, and the numerics class that nodes must have; disposed with the client. Default: the fast kernels on all processors.</summary>
    public KernelSet? Kernels { get; init; }

    /// <summary>Who holds the model's two ends. Default: this process.</summary>
    public EndsMode Ends { get; init; } = EndsMode.Local;

    /// <summary>Told how many bytes of the model's ends have come from elsewhere, and of how many that were missing.</summary>
    public Action<long, long>? Fetched { get; init; }

    /// <summary>Replaces the invite's addresses.</summary>
    public PeerAddress? Dial { get; init; }

    /// <summary>Most positions of a session. Default: the model's context.</summary>
    public int? Context { get; init; }

    /// <summary>Time that a request, or opening a chain, may take.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Who the client is; stays the caller's unless <see cref="OwnsKey"/>. Nodes share the beginnings of sessions among clients of one key alone. Default: a fresh key for each client.
    /// </summary>
    public PeerKey? Key { get; init; }

    /// <summary>Whether the client disposes <see cref="Key"/>. Default: no.</summary>
    public bool OwnsKey { get; init; }

    /// <summary>Makes the transport by which nodes are reached; it is disposed with the client. Default: gRPC over TLS.</summary>
    public Func<PeerCredentials, ITransport>? Transport { get; init; }

    /// <summary>What routes are chosen for.</summary>
    public RouteMode Route { get; init; } = RouteMode.Latency;

    public TimeProvider Time { get; init; } = TimeProvider.System;

    public IRandomSource Random { get; init; } = SystemRandomSource.Instance;
}
