using Google.Protobuf;
using Swarm.Protocol.Wire;

namespace Swarm.Protocol.Membership;

/// <summary>That a peer came by an invite: the grant, and the invite key's signature over the peer's public key. Immutable; well-formed, not yet checked.</summary>
public sealed class MembershipProof
{
    private readonly MembershipProofData _wire;

    private MembershipProof(MembershipProofData wire, Grant grant)
    {
        _wire = wire;
        Grant = grant;
    }

    public Grant Grant { get; }

    /// <summary>Reads what <see cref="ToBytes"/> writes.</summary>
    /// <exception cref="MembershipException">A field is missing or outside its limits.</exception>
    public static MembershipProof Parse(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length is 0 or > MembershipLimits.MaxProofBytes)
            throw new MembershipException($"membership proof: {bytes.Length} bytes, expected 1 to {MembershipLimits.MaxProofBytes}");
        MembershipProofData wire;
        try
        {
            wire = MembershipProofData.Parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException exception)
        {
            throw new MembershipException("membership proof: its bytes are damaged", exception);
        }

        if (wire.Signature.Length != PeerKey.SignatureLength)
            throw new MembershipException($"membership proof: signature of {wire.Signature.Length} bytes, expected {PeerKey.SignatureLength}");
        return new MembershipProof(wire, Grant.Read(wire.Grant));
    }

    public byte[] ToBytes() => _wire.ToByteArray();

    /// <summary>Whether the invite key signed this public key.</summary>
    public bool IsFor(ReadOnlySpan<byte> publicKey) =>
        PeerKey.Verify(Grant.InviteKey.Span, SignatureContext.Member(_wire.Grant.Body.Span, publicKey), _wire.Signature.Span);

    internal static MembershipProof Sign(PeerKey inviteKey, Grant grant, ReadOnlySpan<byte> publicKey)
    {
        byte[] signature = inviteKey.Sign(SignatureContext.Member(grant.Wire.Body.Span, publicKey));
        return new MembershipProof(new MembershipProofData { Grant = grant.Wire, Signature = UnsafeByteOperations.UnsafeWrap(signature) }, grant);
    }
}
