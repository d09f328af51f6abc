using System.Buffers.Binary;
using Google.Protobuf;
using Swarm.Protocol.Dht;

namespace Swarm.Protocol.Directory;

/// <summary>Where the directory's records lie in the DHT.</summary>
public static class DirectoryKeys
{
    /// <summary>Which models the swarm serves; one record a node.</summary>
    public const string ModelsTopic = "models";

    /// <summary>Who serves a region of a model's blocks.</summary>
    public const string BlocksTopic = "blocks";

    /// <summary>The root's revocations.</summary>
    public const string RevocationsTopic = "revocations";

    public static DhtKey Models(SwarmId swarm) => DhtKey.Of(swarm, ModelsTopic, []);

    public static DhtKey Revocations(SwarmId swarm) => DhtKey.Of(swarm, RevocationsTopic, []);

    /// <param name="swarm">The swarm.</param>
    /// <param name="modelIdentity">32 bytes.</param>
    /// <param name="region">Blocks from <c>region × 32</c> on.</param>
    public static DhtKey Blocks(SwarmId swarm, ByteString modelIdentity, int region)
    {
        Span<byte> detail = stackalloc byte[PeerId.Length + sizeof(int)];
        modelIdentity.Span.CopyTo(detail);
        BinaryPrimitives.WriteInt32BigEndian(detail[PeerId.Length..], region);
        return DhtKey.Of(swarm, BlocksTopic, detail);
    }

    /// <summary>Regions of a model with so many blocks.</summary>
    public static int RegionCount(int modelBlocks) => Math.Max(1, (modelBlocks + DirectoryLimits.RegionBlocks - 1) / DirectoryLimits.RegionBlocks);

    /// <summary>The regions under which a node's announcement lies: those that its blocks and its target touch; the first where it has neither.</summary>
    public static IReadOnlyList<int> RegionsOf(NodeEntry entry)
    {
        var regions = new SortedSet<int>();
        Add(regions, entry.Blocks);
        Add(regions, entry.Target);
        return regions.Count > 0 ? [.. regions] : [0];
    }

    private static void Add(SortedSet<int> regions, BlockRange blocks)
    {
        for (int region = blocks.First / DirectoryLimits.RegionBlocks; !blocks.IsEmpty && region * DirectoryLimits.RegionBlocks < blocks.End; region++)
            regions.Add(region);
    }
}
