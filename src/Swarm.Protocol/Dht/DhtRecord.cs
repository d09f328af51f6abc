using System.Runtime.InteropServices;

namespace Swarm.Protocol.Dht;

/// <summary>A record as read from its bytes: what a signer says under a key. Immutable. Made by <see cref="SignedRecords"/>, which says how much of it has been checked.</summary>
public sealed class DhtRecord
{
    internal DhtRecord(SignedRecord wire, DhtKey hash, int encodedBytes, uint schema, SwarmId swarm, DhtKey key, PeerId signer, ulong sequence, TimeSpan lifetime, DateTimeOffset signedAt, ReadOnlyMemory<byte> payload)
    {
        Wire = wire;
        Hash = hash;
        EncodedBytes = encodedBytes;
        Schema = schema;
        Swarm = swarm;
        Key = key;
        Signer = signer;
        Sequence = sequence;
        Lifetime = lifetime;
        SignedAt = signedAt;
        Payload = payload;
    }

    /// <summary>The record as it travels; not to be changed.</summary>
    public SignedRecord Wire { get; }

    /// <summary>Version of the payload's meaning; each topic has its own.</summary>
    public uint Schema { get; }

    public SwarmId Swarm { get; }

    /// <summary>Where it is held.</summary>
    public DhtKey Key { get; }

    /// <summary>Who signed it: the hash of the public key that it carries.</summary>
    public PeerId Signer { get; }

    /// <summary>Grows with every record of the signer under the key.</summary>
    public ulong Sequence { get; }

    /// <summary>From receipt, by the holder's monotonic clock. At most <see cref="DhtLimits.MaxLifetime"/>.</summary>
    public TimeSpan Lifetime { get; }

    /// <summary>By the signer's clock, which may be wrong by minutes.</summary>
    public DateTimeOffset SignedAt { get; }

    /// <summary>Bytes whose meaning is the topic's; at most <see cref="DhtLimits.MaxPayloadBytes"/>, or what the topic's policy has room for.</summary>
    public ReadOnlyMemory<byte> Payload { get; }

    /// <summary>SHA-256 of the record's bytes, signature included.</summary>
    internal DhtKey Hash { get; }

    /// <summary>The hash's first 8 bytes, as a number of this machine's byte order.</summary>
    internal ulong HashPrefix
    {
        get
        {
            Span<byte> bytes = stackalloc byte[DhtKey.Length];
            Hash.CopyTo(bytes);
            return MemoryMarshal.Read<ulong>(bytes);
        }
    }

    /// <summary>Bytes of the record on the wire.</summary>
    internal int EncodedBytes { get; }
}
