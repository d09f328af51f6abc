using Swarm.Models;

namespace Swarm.Node;

/// <summary>Tensors come to this machine from elsewhere.</summary>
/// <param name="Span">Whose tensors; null for the model's ends.</param>
/// <param name="Bytes">Bytes that came so far.</param>
/// <param name="TotalBytes">Bytes that were missing.</param>
public sealed record NodeFetching(BlockSpan? Span, long Bytes, long TotalBytes) : NodeEvent;
