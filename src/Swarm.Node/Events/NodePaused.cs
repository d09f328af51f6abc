namespace Swarm.Node;

/// <summary>The node admits no new session, or does again.</summary>
/// <param name="IsPaused">Whether it admits none.</param>
/// <param name="Sessions">Open now; they go on.</param>
public sealed record NodePaused(bool IsPaused, int Sessions) : NodeEvent;
