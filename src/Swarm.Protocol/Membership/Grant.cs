using Google.Protobuf;
using Swarm.Protocol.Wire;

namespace Swarm.Protocol.Membership;

/// <summary>What the root says of an invite: whose key it is, until when, whether the swarm is public. Immutable; well-formed, which is not yet to say that the root signed it.</summary>
public sealed class Grant
{
    private Grant(SignedGrant wire, GrantBody body)
    {
        Wire = wire;
        RootKey = body.RootKey.Memory;
        InviteKey = body.InviteKey.Memory;
        Swarm = SwarmId.OfPublicKey(RootKey.Span);
        Id = GrantId.OfPublicKey(InviteKey.Span);
        NotAfter = body.NotAfterSeconds == 0 ? null : DateTimeOffset.FromUnixTimeSeconds(body.NotAfterSeconds);
        IsPublic = body.Public;
        Label = body.Label;
    }

    /// <summary>The swarm whose root is named.</summary>
    public SwarmId Swarm { get; }

    public GrantId Id { get; }

    /// <summary>SubjectPublicKeyInfo of the root, 91 bytes.</summary>
    public ReadOnlyMemory<byte> RootKey { get; }

    /// <summary>SubjectPublicKeyInfo of the invite, 91 bytes.</summary>
    public ReadOnlyMemory<byte> InviteKey { get; }

    /// <summary>When it ends; null: never.</summary>
    public DateTimeOffset? NotAfter { get; }

    /// <summary>Members of the swarm also accept peers without a proof.</summary>
    public bool IsPublic { get; }

    /// <summary>For people; may be empty, at most 64 characters.</summary>
    public string Label { get; }

    /// <summary>As it travels.</summary>
    internal SignedGrant Wire { get; }

    /// <summary>Whether the root signed it.</summary>
    public bool IsSignedByRoot() => PeerKey.Verify(RootKey.Span, SignatureContext.Grant(Wire.Body.Span), Wire.Signature.Span);

    internal static Grant Sign(PeerKey root, GrantBody body)
    {
        ByteString bytes = body.ToByteString();
        byte[] signature = root.Sign(SignatureContext.Grant(bytes.Span));
        return new Grant(new SignedGrant { Body = bytes, Signature = UnsafeByteOperations.UnsafeWrap(signature) }, body);
    }

    /// <exception cref="MembershipException">A field is missing or outside its limits.</exception>
    internal static Grant Read(SignedGrant? wire)
    {
        if (wire is null)
            throw new MembershipException("grant: missing");
        if (wire.Body.Length is 0 or > MembershipLimits.MaxGrantBytes)
            throw new MembershipException($"grant: {wire.Body.Length} bytes, expected 1 to {MembershipLimits.MaxGrantBytes}");
        if (wire.Signature.Length != PeerKey.SignatureLength)
            throw new MembershipException($"grant: signature of {wire.Signature.Length} bytes, expected {PeerKey.SignatureLength}");
        GrantBody body;
        try
        {
            body = GrantBody.Parser.ParseFrom(wire.Body);
        }
        catch (InvalidProtocolBufferException exception)
        {
            throw new MembershipException("grant: its bytes are damaged", exception);
        }

        if (!PublicKeyFormat.IsWellFormed(body.RootKey.Span))
            throw new MembershipException($"grant: root key of {body.RootKey.Length} bytes is no key on P-256 of {PublicKeyFormat.Length} bytes");
        if (!PublicKeyFormat.IsWellFormed(body.InviteKey.Span))
            throw new MembershipException($"grant: invite key of {body.InviteKey.Length} bytes is no key on P-256 of {PublicKeyFormat.Length} bytes");
        if (body.NotAfterSeconds < 0 || body.NotAfterSeconds > DateTimeOffset.MaxValue.ToUnixTimeSeconds())
            throw new MembershipException($"grant: ends {body.NotAfterSeconds} s after 1970, expected 0 to {DateTimeOffset.MaxValue.ToUnixTimeSeconds()}");
        if (body.Label.Length > MembershipLimits.MaxLabelLength)
            throw new MembershipException($"grant: label of {body.Label.Length} characters, expected at most {MembershipLimits.MaxLabelLength}");
        return new Grant(wire, body);
    }
}
