using System.Buffers.Binary;
using System.Security.Cryptography;
using Swarm.Models;
using Swarm.Node.Placement;
using Swarm.Protocol;

namespace Swarm.Node.Tests.Placement;

/// <summary>Nodes for tests of placement.</summary>
internal static class Nodes
{
    public static PeerId Peer(int id)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, id);
        return new PeerId(SHA256.HashData(bytes));
    }

    public static PlacementNode Serving(int id, int start, int end) =>
        new(Peer(id), PlacementState.Serving, new BlockSpan(start, end)) { Capacity = Math.Max(0, end - start), BlockTokensPerSecond = 100 };

    public static PlacementNode Joiner(int id, int capacity) => new(Peer(id), PlacementState.Joining, default) { Capacity = capacity, BlockTokensPerSecond = 100 };

    public static BlockSpan Span(string text)
    {
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        return new BlockSpan(int.Parse(text[..colon]), int.Parse(text[(colon + 1)..]));
    }

    /// <summary>Nodes 1, 2 … that serve "0:10 10:20".</summary>
    public static PlacementSnapshot Snapshot(int blocks, string served) =>
        new(blocks, served.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select((text, index) => Serving(index + 1, Span(text).Start, Span(text).End)));
}
