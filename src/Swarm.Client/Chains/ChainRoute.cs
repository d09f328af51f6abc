namespace Swarm.Client;

/// <summary>How a session goes through the swarm.</summary>
/// <param name="Hops">In the order of the blocks.</param>
/// <param name="RoundingPoints">Block boundaries at which hidden states are rounded; they never change in a session's life.</param>
/// <param name="Codec">Name of the codec applied there.</param>
/// <param name="Epoch">Times that the chain was replaced.</param>
public sealed record ChainRoute(IReadOnlyList<ChainHop> Hops, IReadOnlyList<int> RoundingPoints, string Codec, int Epoch);
