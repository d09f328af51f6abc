using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Google.Protobuf;

namespace Swarm.Protocol.Membership;

/// <summary>Which invite: the first 16 bytes of the SHA-256 of its public key.</summary>
public readonly record struct GrantId : IComparable<GrantId>
{
    /// <summary>Bytes of an id.</summary>
    public const int Length = 16;

    private readonly ulong _high;
    private readonly ulong _low;

    /// <param name="bytes">Exactly <see cref="Length"/> bytes.</param>
    public GrantId(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Length)
            throw new ArgumentException($"grant id of {bytes.Length} bytes, expected {Length}", nameof(bytes));
        _high = BinaryPrimitives.ReadUInt64BigEndian(bytes);
        _low = BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]);
    }

    /// <summary>The id of an invite's public key given as SubjectPublicKeyInfo.</summary>
    public static GrantId OfPublicKey(ReadOnlySpan<byte> subjectPublicKeyInfo)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(subjectPublicKeyInfo, hash);
        return new GrantId(hash[..Length]);
    }

    /// <summary>Reads an id from the wire; false when it has another length.</summary>
    public static bool TryRead(ByteString bytes, out GrantId id)
    {
        bool right = bytes.Length == Length;
        id = right ? new GrantId(bytes.Span) : default;
        return right;
    }

    /// <summary>Reads the 32 hexadecimal digits that <see cref="ToString"/> writes.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out GrantId id)
    {
        id = default;
        if (text is not { Length: Length * 2 })
            return false;
        Span<byte> bytes = stackalloc byte[Length];
        if (Convert.FromHexString(text, bytes, out _, out _) != System.Buffers.OperationStatus.Done)
            return false;
        id = new GrantId(bytes);
        return true;
    }

    /// <summary>The id as the wire has it.</summary>
    public ByteString ToByteString()
    {
        byte[] bytes = new byte[Length];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, _high);
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(8), _low);
        return UnsafeByteOperations.UnsafeWrap(bytes);
    }

    public int CompareTo(GrantId other)
    {
        int order = _high.CompareTo(other._high);
        return order != 0 ? order : _low.CompareTo(other._low);
    }

    /// <summary>32 lower-case hexadecimal digits.</summary>
    public override string ToString() => $"{_high:x16}{_low:x16}";
}
