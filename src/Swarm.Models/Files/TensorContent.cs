namespace Swarm.Models.Files;

/// <summary>A tensor that is known by its hash.</summary>
/// <param name="Tensor">Name, shape and type.</param>
/// <param name="Sha256">32 bytes: of its stored bytes.</param>
/// <param name="Block">The block that it belongs to; null for the model's ends.</param>
public sealed record TensorContent(TensorInfo Tensor, ReadOnlyMemory<byte> Sha256, int? Block);
