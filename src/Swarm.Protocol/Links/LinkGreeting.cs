using Google.Protobuf;
using Swarm.Protocol.Wire;

namespace Swarm.Protocol.Links;

/// <summary>Makes the first frame of a link.</summary>
public static class LinkGreeting
{
    /// <param name="bulk">The link is for long transfers.</param>
    /// <param name="peer">Who speaks; none for a client.</param>
    /// <param name="modelIdentity">32 bytes, or empty.</param>
    public static Hello Make(bool bulk, PeerId? peer, ByteString modelIdentity) => new()
    {
        Version = WireVersion.Current,
        Purpose = bulk ? Purpose.Bulk : Purpose.Decode,
        Peer = peer?.ToByteString() ?? ByteString.Empty,
        ModelIdentity = modelIdentity,
    };
}
