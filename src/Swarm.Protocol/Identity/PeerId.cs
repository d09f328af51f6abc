using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Google.Protobuf;

namespace Swarm.Protocol;

/// <summary>Who a peer is: the SHA-256 of its public key (SubjectPublicKeyInfo). Ordered as its hexadecimal text.</summary>
public readonly record struct PeerId : IComparable<PeerId>
{
    /// <summary>Bytes of an id.</summary>
    public const int Length = 32;

    private readonly ulong _a;
    private readonly ulong _b;
    private readonly ulong _c;
    private readonly ulong _d;

    /// <param name="bytes">Exactly <see cref="Length"/> bytes.</param>
    public PeerId(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Length)
            throw new ArgumentException($"peer id of {bytes.Length} bytes, expected {Length}", nameof(bytes));
        _a = BinaryPrimitives.ReadUInt64BigEndian(bytes);
        _b = BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]);
        _c = BinaryPrimitives.ReadUInt64BigEndian(bytes[16..]);
        _d = BinaryPrimitives.ReadUInt64BigEndian(bytes[24..]);
    }

    /// <summary>The id that stands for nobody: 32 zero bytes.</summary>
    public bool IsNone => this == default;

    /// <summary>The first eight characters, for people.</summary>
    public string Short => ToString()[..8];

    /// <summary>The id of a public key given as SubjectPublicKeyInfo.</summary>
    public static PeerId OfPublicKey(ReadOnlySpan<byte> subjectPublicKeyInfo)
    {
        Span<byte> hash = stackalloc byte[Length];
        SHA256.HashData(subjectPublicKeyInfo, hash);
        return new PeerId(hash);
    }

    /// <summary>Reads an id from the wire; false when it has another length.</summary>
    public static bool TryRead(ByteString bytes, out PeerId id)
    {
        bool right = bytes.Length == Length;
        id = right ? new PeerId(bytes.Span) : default;
        return right;
    }

    /// <summary>Reads the 64 hexadecimal digits that <see cref="ToString"/> writes.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out PeerId id)
    {
        id = default;
        if (text is not { Length: Length * 2 })
            return false;
        Span<byte> bytes = stackalloc byte[Length];
        if (Convert.FromHexString(text, bytes, out _, out _) != System.Buffers.OperationStatus.Done)
            return false;
        id = new PeerId(bytes);
        return true;
    }

    /// <summary>The id as the wire has it.</summary>
    public ByteString ToByteString()
    {
        byte[] bytes = new byte[Length];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, _a);
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(8), _b);
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(16), _c);
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(24), _d);
        return UnsafeByteOperations.UnsafeWrap(bytes);
    }

    public int CompareTo(PeerId other)
    {
        int order = _a.CompareTo(other._a);
        order = order != 0 ? order : _b.CompareTo(other._b);
        order = order != 0 ? order : _c.CompareTo(other._c);
        return order != 0 ? order : _d.CompareTo(other._d);
    }

    /// <summary>64 lower-case hexadecimal digits.</summary>
    public override string ToString() => $"{_a:x16}{_b:x16}{_c:x16}{_d:x16}";
}
