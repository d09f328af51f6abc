using System.Buffers.Binary;

namespace Swarm.Protocol.Membership;

/// <summary>
/// What a signature is about, so that none can be taken for another: the name and a zero byte come first in what is signed, then each part after its length
/// (32 bits, most significant byte first).
/// </summary>
internal static class SignatureContext
{
    public static byte[] Grant(ReadOnlySpan<byte> body) => Frame("grant\0"u8, body, default);

    public static byte[] Member(ReadOnlySpan<byte> grantBody, ReadOnlySpan<byte> publicKey) => Frame("member\0"u8, grantBody, publicKey);

    public static byte[] Revocations(ReadOnlySpan<byte> body) => Frame("revocations\0"u8, body, default);

    private static byte[] Frame(ReadOnlySpan<byte> name, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        byte[] frame = new byte[name.Length + 8 + first.Length + second.Length];
        Span<byte> rest = frame;
        name.CopyTo(rest);
        rest = rest[name.Length..];
        BinaryPrimitives.WriteInt32BigEndian(rest, first.Length);
        first.CopyTo(rest[4..]);
        rest = rest[(4 + first.Length)..];
        BinaryPrimitives.WriteInt32BigEndian(rest, second.Length);
        second.CopyTo(rest[4..]);
        return frame;
    }
}
