using Swarm.Protocol;

namespace Swarm.Node;

/// <summary>Another node said farewell or was not heard of for too long.</summary>
public sealed record NodePeerLeft(PeerId Peer) : NodeEvent;
