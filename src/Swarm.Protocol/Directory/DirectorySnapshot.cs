using System.Collections.Immutable;
using Google.Protobuf;

namespace Swarm.Protocol.Directory;

/// <summary>Who is known to serve, or about to serve, one model: an immutable view at a time, ordered by peer. Hidden peers are not in it.</summary>
public sealed class DirectorySnapshot
{
    private DirectorySnapshot(ByteString modelIdentity, ImmutableArray<NodeEntry> nodes)
    {
        ModelIdentity = modelIdentity;
        Nodes = nodes;
    }

    /// <summary>32 bytes.</summary>
    public ByteString ModelIdentity { get; }

    /// <summary>Ordered by peer, each peer once; at most <see cref="ChainLimits.MaxAnnouncements"/>.</summary>
    public ImmutableArray<NodeEntry> Nodes { get; }

    /// <summary>Nobody.</summary>
    public static DirectorySnapshot Empty(ByteString modelIdentity) => new(modelIdentity, []);

    /// <summary>A snapshot of these; they may come in any order, but no peer twice.</summary>
    public static DirectorySnapshot Of(ByteString modelIdentity, IEnumerable<NodeEntry> nodes) =>
        new(modelIdentity, [.. nodes.OrderBy(node => node.Peer)]);

    /// <summary>The entry of a peer, or null.</summary>
    public NodeEntry? Find(PeerId peer)
    {
        int low = 0;
        int high = Nodes.Length - 1;
        while (low <= high)
        {
            int middle = (low + high) / 2;
            int order = Nodes[middle].Peer.CompareTo(peer);
            if (order == 0)
                return Nodes[middle];
            if (order < 0)
                low = middle + 1;
            else
                high = middle - 1;
        }

        return null;
    }

    /// <summary>Serving replicas of each block.</summary>
    /// <param name="blocks">Blocks of the model.</param>
    public int[] Replicas(int blocks)
    {
        var replicas = new int[blocks];
        foreach (NodeEntry node in Nodes)
        {
            if (!node.IsServing)
                continue;
            for (int block = Math.Max(0, node.Blocks.First); block < Math.Min(blocks, node.Blocks.End); block++)
                replicas[block]++;
        }

        return replicas;
    }
}
