using Swarm.Protocol.Transport;

namespace Swarm.Node;

/// <summary>The port is open.</summary>
public sealed record NodeListening(PeerAddress Address) : NodeEvent;
