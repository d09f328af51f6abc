using Swarm.Models;
using Swarm.Protocol;

namespace Swarm.Client;

/// <summary>One hop of a route.</summary>
/// <param name="Peer">Who computes; null for this process.</param>
/// <param name="Address">host:port; <c>local</c> for this process.</param>
/// <param name="Blocks">What it computes.</param>
public sealed record ChainHop(PeerId? Peer, string Address, BlockSpan Blocks);
