using Swarm.Models;
using Swarm.Protocol;

namespace Swarm.Node;

/// <summary>Another node became known.</summary>
public sealed record NodePeerJoined(PeerId Peer, string Address, BlockSpan Blocks) : NodeEvent;
