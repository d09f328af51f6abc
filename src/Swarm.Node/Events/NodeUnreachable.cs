namespace Swarm.Node;

/// <summary>Others cannot dial this node, so it serves nobody; it goes on trying.</summary>
/// <param name="Reason">What others saw and the likely cause, in one sentence.</param>
public sealed record NodeUnreachable(string Reason) : NodeEvent;
