namespace Swarm.Protocol.Directory;

/// <summary>A change of who is seen.</summary>
/// <param name="Change">Added, Updated or Removed.</param>
/// <param name="Node">The peer's newest announcement.</param>
public readonly record struct DirectoryEvent(DirectoryChange Change, NodeEntry Node);
