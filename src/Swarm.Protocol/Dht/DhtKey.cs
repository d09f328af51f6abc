using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;

namespace Swarm.Protocol.Dht;

/// <summary>A place in the DHT's space of 256 bits, where records are kept and peers have their own. Nearness is the exclusive or of two places, read as a number.</summary>
public readonly record struct DhtKey : IComparable<DhtKey>
{
    /// <summary>Bytes of a key.</summary>
    public const int Length = 32;

    /// <summary>Bits of a key.</summary>
    internal const int Bits = Length * 8;

    private const int MaxTopicBytes = 255;

    private readonly ulong _a;
    private readonly ulong _b;
    private readonly ulong _c;
    private readonly ulong _d;

    /// <param name="bytes">Exactly <see cref="Length"/> bytes.</param>
    public DhtKey(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Length)
            throw new ArgumentException($"key of {bytes.Length} bytes, expected {Length}", nameof(bytes));
        _a = BinaryPrimitives.ReadUInt64BigEndian(bytes);
        _b = BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]);
        _c = BinaryPrimitives.ReadUInt64BigEndian(bytes[16..]);
        _d = BinaryPrimitives.ReadUInt64BigEndian(bytes[24..]);
    }

    private DhtKey(ulong a, ulong b, ulong c, ulong d) => (_a, _b, _c, _d) = (a, b, c, d);

    /// <summary>The key of a topic's detail in a swarm: SHA-256 of "swarm.v1.DhtKey", a zero byte, the swarm's id, the topic's length as one byte, the topic in UTF-8 and the detail.</summary>
    /// <param name="swarm">Keys of two swarms are unrelated.</param>
    /// <param name="topic">1 to 255 bytes of UTF-8.</param>
    /// <param name="detail">Any bytes.</param>
    /// <exception cref="ArgumentException">The topic is empty or too long.</exception>
    public static DhtKey Of(SwarmId swarm, string topic, ReadOnlySpan<byte> detail)
    {
        ArgumentException.ThrowIfNullOrEmpty(topic);
        byte[] name = Encoding.UTF8.GetBytes(topic);
        if (name.Length > MaxTopicBytes)
            throw new ArgumentException($"topic of {name.Length} bytes, expected at most {MaxTopicBytes}", nameof(topic));
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData("swarm.v1.DhtKey\0"u8);
        Span<byte> id = stackalloc byte[SwarmId.Length];
        swarm.CopyTo(id);
        hash.AppendData(id);
        hash.AppendData([(byte)name.Length]);
        hash.AppendData(name);
        hash.AppendData(detail);
        return new DhtKey(hash.GetHashAndReset());
    }

    /// <summary>The place of a peer: its id.</summary>
    public static DhtKey Of(PeerId peer)
    {
        Span<byte> id = stackalloc byte[Length];
        peer.CopyTo(id);
        return new DhtKey(id);
    }

    /// <summary>Reads a key from the wire; false when it has another length.</summary>
    public static bool TryRead(ByteString bytes, out DhtKey key)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        bool right = bytes.Length == Length;
        key = right ? new DhtKey(bytes.Span) : default;
        return right;
    }

    /// <summary>The key as the wire has it.</summary>
    public ByteString ToByteString()
    {
        byte[] bytes = new byte[Length];
        CopyTo(bytes);
        return UnsafeByteOperations.UnsafeWrap(bytes);
    }

    /// <summary>Writes the <see cref="Length"/> bytes of the key.</summary>
    public void CopyTo(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt64BigEndian(bytes, _a);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], _b);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[16..], _c);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[24..], _d);
    }

    /// <summary>The distance to another place: the exclusive or, ordered as a number of 256 bits.</summary>
    public DhtKey DistanceTo(DhtKey other) => new(_a ^ other._a, _b ^ other._b, _c ^ other._c, _d ^ other._d);

    /// <summary>The distance to a peer's place.</summary>
    public DhtKey DistanceTo(PeerId peer) => DistanceTo(Of(peer));

    /// <summary>Whether this distance's number comes before, with or after another's.</summary>
    public int CompareTo(DhtKey other)
    {
        int order = _a.CompareTo(other._a);
        order = order != 0 ? order : _b.CompareTo(other._b);
        order = order != 0 ? order : _c.CompareTo(other._c);
        return order != 0 ? order : _d.CompareTo(other._d);
    }

    /// <summary>64 lower-case hexadecimal digits.</summary>
    public override string ToString() => $"{_a:x16}{_b:x16}{_c:x16}{_d:x16}";

    /// <summary>How many leading bits are zero: of a distance, the length of the common prefix. 256 for equal places.</summary>
    internal int LeadingZeros =>
        _a != 0 ? BitOperations.LeadingZeroCount(_a)
        : _b != 0 ? 64 + BitOperations.LeadingZeroCount(_b)
        : _c != 0 ? 128 + BitOperations.LeadingZeroCount(_c)
        : 192 + BitOperations.LeadingZeroCount(_d);

    /// <summary>A place that shares exactly the first <paramref name="prefix"/> bits with this one; the bits after the one that differs are those of <paramref name="rest"/>.</summary>
    internal DhtKey Beyond(int prefix, DhtKey rest)
    {
        Span<byte> own = stackalloc byte[Length];
        Span<byte> other = stackalloc byte[Length];
        CopyTo(own);
        rest.CopyTo(other);
        for (int bit = 0; bit <= prefix && bit < Bits; bit++)
        {
            int mask = 0x80 >> (bit & 7);
            bool set = ((own[bit >> 3] & mask) != 0) ^ (bit == prefix);
            other[bit >> 3] = (byte)(set ? other[bit >> 3] | mask : other[bit >> 3] & ~mask);
        }

        return new DhtKey(other);
    }
}
