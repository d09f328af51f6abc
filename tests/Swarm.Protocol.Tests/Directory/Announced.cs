using Google.Protobuf;
using Swarm.Protocol.Directory;
using Swarm.Protocol.Transport;

namespace Swarm.Protocol.Tests.Directory;

/// <summary>Entries for tests of the directory.</summary>
internal static class Announced
{
    public static ByteString Model { get; } = ByteString.CopyFrom(Enumerable.Repeat((byte)7, 32).ToArray());

    /// <summary>A peer id that sorts as its number.</summary>
    public static PeerId Peer(int number)
    {
        byte[] bytes = new byte[PeerId.Length];
        bytes[0] = (byte)(number >> 8);
        bytes[1] = (byte)number;
        return new PeerId(bytes);
    }

    public static NodeEntry Node(int number, ulong sequence = 1, NodeState state = NodeState.Serving, int first = 0, int end = 4) => new()
    {
        Peer = Peer(number),
        Addresses = [new PeerAddress("127.0.0.1", 1000 + number)],
        ModelIdentity = Model,
        ModelBlocks = 8,
        State = state,
        Blocks = new BlockRange(first, end),
        BlockTime = TimeSpan.FromMilliseconds(10),
        CacheTokensFree = 100,
        Sequence = sequence,
    };
}
