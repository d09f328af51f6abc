namespace Swarm.Node;

/// <summary>The node is gone; nothing follows.</summary>
/// <param name="CutSessions">Sessions that had to be cut off.</param>
public sealed record NodeStopped(int CutSessions) : NodeEvent;
