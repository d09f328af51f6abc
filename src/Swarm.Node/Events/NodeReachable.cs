namespace Swarm.Node;

/// <summary>Others can dial this node again, and it serves.</summary>
public sealed record NodeReachable : NodeEvent;
