using Google.Protobuf;

namespace Swarm.Protocol.Weights;

/// <summary>What a peer can hand to others, by its SHA-256. Called from any thread.</summary>
public interface IBlobSource
{
    /// <summary>Length of what has this hash, where it is here, whole and known to be sound; else null.</summary>
    /// <param name="sha256">32 bytes.</param>
    long? Find(ByteString sha256);

    /// <summary>Copies bytes [offset, offset + target) of it, which lie within its length; false where they are here no longer.</summary>
    bool TryRead(ByteString sha256, long offset, Span<byte> target);

    /// <summary>It will not be read again soon.</summary>
    void Release(ByteString sha256);
}
