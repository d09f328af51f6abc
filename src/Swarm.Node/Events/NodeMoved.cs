using Swarm.Models;

namespace Swarm.Node;

/// <summary>The node serves other blocks than before. Sessions that run end on those they began with.</summary>
/// <param name="From">What it served.</param>
/// <param name="Blocks">What it serves now.</param>
/// <param name="LoadedBlocks">Blocks that had to be loaded; the others were there.</param>
/// <param name="WeightBytes">Weights of what it serves now.</param>
/// <param name="CacheTokens">Positions that the KV pool can hold now.</param>
/// <param name="TokensPerSecond">Decode speed over these blocks.</param>
/// <param name="Seconds">Time from the decision to serving.</param>
public sealed record NodeMoved(
    BlockSpan From, BlockSpan Blocks, int LoadedBlocks, long WeightBytes, long CacheTokens, double TokensPerSecond, double Seconds) : NodeEvent;
