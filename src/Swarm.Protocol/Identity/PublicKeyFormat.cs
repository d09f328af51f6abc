using System.Security.Cryptography;

namespace Swarm.Protocol;

/// <summary>The one form of public keys: SubjectPublicKeyInfo of an uncompressed point on P-256. Any other encoding of the same key would be another peer.</summary>
internal static class PublicKeyFormat
{
    /// <summary>Bytes of a key.</summary>
    public const int Length = 91;

    private const int CoordinateLength = 32;

    /// <summary>SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING { 04, x, y } } up to x.</summary>
    private static ReadOnlySpan<byte> Prefix =>
    [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01,
        0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
    ];

    /// <summary>Whether the bytes have the form. Not whether the point is on the curve: importing the key tells.</summary>
    public static bool IsWellFormed(ReadOnlySpan<byte> publicKey) => publicKey.Length == Length && publicKey.StartsWith(Prefix);

    /// <summary>The point of a well-formed key.</summary>
    public static ECPoint Point(ReadOnlySpan<byte> publicKey) => new()
    {
        X = publicKey.Slice(Prefix.Length, CoordinateLength).ToArray(),
        Y = publicKey.Slice(Prefix.Length + CoordinateLength, CoordinateLength).ToArray(),
    };
}
