using Google.Protobuf;

namespace Swarm.Protocol.Weights;

/// <summary>A tensor that shall come from peers.</summary>
/// <param name="Sha256">32 bytes.</param>
/// <param name="Length">Its bytes, at least 1.</param>
/// <param name="Name">For messages.</param>
/// <param name="Block">The block that it belongs to: whoever serves that is asked first; null for the model's ends.</param>
public sealed record BlobWanted(ByteString Sha256, long Length, string Name, int? Block);
