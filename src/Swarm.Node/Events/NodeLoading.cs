using Swarm.Models;

namespace Swarm.Node;

/// <summary>A block is loaded.</summary>
/// <param name="Span">What is being loaded.</param>
/// <param name="Done">Blocks loaded.</param>
/// <param name="Of">Blocks to load.</param>
/// <param name="Bytes">Bytes read so far.</param>
/// <param name="TotalBytes">Bytes to read.</param>
public sealed record NodeLoading(BlockSpan Span, int Done, int Of, long Bytes, long TotalBytes) : NodeEvent;
