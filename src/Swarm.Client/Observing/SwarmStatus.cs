using System.Collections.Immutable;

namespace Swarm.Client.Observing;

/// <summary>One look at a swarm: a model's nodes at one time, and what follows from them. Immutable.</summary>
public sealed record SwarmStatus
{
    /// <summary>The swarm's id, 64 hexadecimal digits.</summary>
    public required string Swarm { get; init; }

    /// <summary>The model looked at; null where no node announces one.</summary>
    public ObservedModel? Model { get; init; }

    /// <summary>Every model of the swarm, most nodes first.</summary>
    public ImmutableArray<ObservedModel> Models { get; init; } = [];

    /// <summary>The model's nodes, by first block, then by peer.</summary>
    public required ImmutableArray<ObservedNode> Nodes { get; init; }

    /// <summary>Nodes that serve each block now.</summary>
    public required ImmutableArray<int> Replicas { get; init; }

    /// <summary>What wants an operator's eye, most urgent first.</summary>
    public required ImmutableArray<StatusAlert> Alerts { get; init; }
}
