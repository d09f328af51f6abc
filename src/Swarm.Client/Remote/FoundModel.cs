using Swarm.Models;
using Swarm.Models.Blocks;
using Swarm.Protocol.Directory;

namespace Swarm.Client;

/// <summary>The model at hand as a swarm serves it.</summary>
/// <param name="Identity">What it is known by.</param>
/// <param name="Ends">Loaded, and checked against the swarm's manifest; null where the nodes have them.</param>
/// <param name="Directory">Who serves it.</param>
internal sealed record FoundModel(ModelIdentity Identity, ModelEnds? Ends, SwarmDirectory Directory);
