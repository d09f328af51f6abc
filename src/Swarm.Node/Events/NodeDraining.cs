namespace Swarm.Node;

/// <summary>The node admits nothing new and waits for its sessions.</summary>
/// <param name="Sessions">Sessions open now.</param>
public sealed record NodeDraining(int Sessions) : NodeEvent;
