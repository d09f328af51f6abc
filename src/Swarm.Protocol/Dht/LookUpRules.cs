namespace Swarm.Protocol.Dht;

/// <summary>How wide a look-up is, and when it has found enough.</summary>
/// <param name="BucketSize">k: peers nearest to the target that are asked before it ends without finding.</param>
/// <param name="Paths">Disjoint paths.</param>
/// <param name="CallsPerPath">Calls at once on each path: Kademlia's α is the product of both.</param>
/// <param name="Quorum">Holders that end a look-up of records; int.MaxValue where peers are looked for.</param>
/// <param name="Enough">Answers without which overtaken calls are still waited for.</param>
internal sealed record LookUpRules(int BucketSize, int Paths, int CallsPerPath, int Quorum, int Enough)
{
    /// <summary>For the peers nearest to a place.</summary>
    public static LookUpRules ForPeers { get; } = new(DhtLimits.BucketSize, Paths: 3, CallsPerPath: 1, Quorum: int.MaxValue, Enough: 3);

    /// <summary>For some peers in a range, to fill a bucket with.</summary>
    public static LookUpRules ForRange { get; } = ForPeers with { BucketSize = DhtLimits.BucketSize / 2 };

    /// <summary>For records. Each holder of four has missed a record with some chance; that all four have is unlikely.</summary>
    public static LookUpRules ForRecords { get; } = ForPeers with { Quorum = 4 };
}
