using Swarm.Models;
using Swarm.Protocol;
using Swarm.Protocol.Transport;

namespace Swarm.Client;

/// <summary>One hop of a route.</summary>
/// <param name="Peer">Who computes; null for this process.</param>
/// <param name="Address">host:port; <c>local</c> for this process.</param>
/// <param name="Blocks">What it computes.</param>
public sealed record ChainHop(PeerId? Peer, string Address, BlockSpan Blocks)
{
    /// <summary>All addresses of the peer; null for this process, and where only <see cref="Address"/> is known.</summary>
    public PeerEndpoint? Endpoint { get; init; }

    internal PeerEndpoint Dial => Endpoint ?? new PeerEndpoint(Peer ?? default, PeerAddress.Parse(Address));
}
