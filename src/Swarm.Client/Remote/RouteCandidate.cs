using Swarm.Models;
using Swarm.Protocol;

namespace Swarm.Client;

/// <summary>A node that could be part of a route, as its announcement says.</summary>
/// <param name="Peer">Who.</param>
/// <param name="Address">host:port.</param>
/// <param name="Blocks">What it serves.</param>
/// <param name="TokensPerSecond">Decode speed over all of these.</param>
/// <param name="CacheTokensFree">Positions it could still hold.</param>
public sealed record RouteCandidate(PeerId Peer, string Address, BlockSpan Blocks, double TokensPerSecond, long CacheTokensFree);
