using Swarm.Models;
using Swarm.Protocol;
using Swarm.Protocol.Membership;
using Swarm.Protocol.Transport;

namespace Swarm.Client;

/// <summary>What a swarm's model is opened with.</summary>
public sealed record SwarmModelOptions
{
    /// <summary>What makes a member; whom to call first is in it.</summary>
    public required SwarmInvite Invite { get; init; }

    /// <summary>Where tensors and descriptions are kept, by their hashes; several processes may share it.</summary>
    public required string Folder { get; init; }

    /// <summary>The arithmetic that the model is to be computed by (<see cref="Kernels.KernelSet.NumericsClass"/>).</summary>
    public required string NumericsClass { get; init; }

    /// <summary>A model at hand, taken in place of the swarm's where it is the same. Disposed where it is not.</summary>
    public Func<ModelSource?>? AtHand { get; init; }

    /// <summary>Replaces the invite's addresses.</summary>
    public IReadOnlyList<PeerEndpoint>? Bootstrap { get; init; }

    /// <summary>Time that one request may take; a transfer may take longer as long as bytes come.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Makes the transport by which nodes are reached; one for each time that something is fetched, disposed after it. Default: gRPC over TLS.</summary>
    public Func<PeerCredentials, ITransport>? Transport { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;

    public IRandomSource Random { get; init; } = SystemRandomSource.Instance;
}
