namespace Swarm.Protocol.Dht;

/// <summary>What the DHT's messages and records may hold; checked before anything is allocated, verified or looked up.</summary>
public static class DhtLimits
{
    /// <summary>Bytes of a record's payload.</summary>
    public const int MaxPayloadBytes = 4096;

    /// <summary>Bytes of a record on the wire.</summary>
    public const int MaxRecordBytes = MaxPayloadBytes + RecordFrameBytes;

    /// <summary>Bytes of a record beside its payload, at most.</summary>
    public const int RecordFrameBytes = 512;

    /// <summary>Bytes of the payload under a key whose topic has room for more than <see cref="MaxPayloadBytes"/>.</summary>
    public const int MaxLongPayloadBytes = 33 << 10;

    /// <summary>Bytes of a message.</summary>
    public const int MaxMessageBytes = 256 << 10;

    /// <summary>Records of one message to store.</summary>
    public const int MaxStoreRecords = 64;

    /// <summary>Signers under one key.</summary>
    public const int MaxSigners = 4096;

    /// <summary>Addresses of a contact.</summary>
    public const int MaxAddresses = 8;

    /// <summary>Kademlia's k: contacts of a bucket and of an answer, and peers that hold a record.</summary>
    public const int BucketSize = 20;

    /// <summary>Longest life of a record from receipt, by its holder's monotonic clock.</summary>
    public static readonly TimeSpan MaxLifetime = TimeSpan.FromMinutes(5);

    /// <summary>How far the time in a record may be from the holder's; only bounds replays, since volunteers' clocks are wrong.</summary>
    public static readonly TimeSpan MaxClockSkew = TimeSpan.FromMinutes(10);
}
