using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Swarm.Protocol.Membership;

/// <summary>
/// The certificate of a peer: self-signed, so that TLS can carry the key, with the membership proof in an extension. Nothing else in it means anything:
/// no name, no dates (clocks of volunteers are wrong; the grant has the date that counts).
/// </summary>
internal static class PeerCertificate
{
    /// <summary>The extension that holds the proof. 2.25 is open to all; the number is a single word, because some platforms read no longer ones.</summary>
    public const string ProofOid = "2.25.193764821";

    private const int MaxExtensions = 16;

    private static readonly DateTimeOffset NotBefore = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset NotAfter = new(9999, 12, 31, 23, 59, 59, TimeSpan.Zero);

    /// <summary>A certificate with its private key.</summary>
    public static X509Certificate2 Create(PeerKey key, byte[]? proof) => key.Use(ecdsa =>
    {
        var request = new CertificateRequest(new X500DistinguishedName("CN=swarm"), ecdsa, HashAlgorithmName.SHA256);
        if (proof is not null)
            request.CertificateExtensions.Add(new X509Extension(ProofOid, proof, critical: false));
        X509Certificate2 certificate = request.CreateSelfSigned(NotBefore, NotAfter);
        if (!OperatingSystem.IsWindows())
            return certificate;

        // Windows' TLS takes no key that lives in memory only.
        using (certificate)
            return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pfx), null);
    });

    /// <summary>Finds the key and the proof. Reads the DER itself: platforms differ in what they make of unknown extensions.</summary>
    public static bool TryRead(ReadOnlyMemory<byte> certificate, out ReadOnlyMemory<byte> publicKey, out ReadOnlyMemory<byte>? proof)
    {
        publicKey = default;
        proof = null;
        if (certificate.Length > MembershipLimits.MaxCertificateBytes)
            return false;
        try
        {
            AsnReader body = new AsnReader(certificate, AsnEncodingRules.DER).ReadSequence().ReadSequence();
            var version = new Asn1Tag(TagClass.ContextSpecific, 0);
            if (body.PeekTag().HasSameClassAndValue(version))
                body.ReadSequence(version);
            body.ReadInteger();
            body.ReadSequence();
            body.ReadSequence();
            body.ReadSequence();
            body.ReadSequence();
            publicKey = body.ReadEncodedValue();
            return PublicKeyFormat.IsWellFormed(publicKey.Span) && TryReadProof(body, out proof);
        }
        catch (AsnContentException)
        {
            return false;
        }
    }

    private static bool TryReadProof(AsnReader body, out ReadOnlyMemory<byte>? proof)
    {
        proof = null;
        var tag = new Asn1Tag(TagClass.ContextSpecific, 3);
        while (body.HasData && !body.PeekTag().HasSameClassAndValue(tag))
            body.ReadEncodedValue();
        if (!body.HasData)
            return true;
        AsnReader extensions = body.ReadSequence(tag).ReadSequence();
        for (int count = 0; extensions.HasData; count++)
        {
            if (count == MaxExtensions)
                return false;
            AsnReader extension = extensions.ReadSequence();
            bool isProof = extension.ReadObjectIdentifier() == ProofOid;
            if (extension.PeekTag().HasSameClassAndValue(Asn1Tag.Boolean))
                extension.ReadBoolean();
            byte[] value = extension.ReadOctetString();
            if (!isProof)
                continue;
            if (proof is not null || value.Length > MembershipLimits.MaxProofBytes)
                return false;
            proof = value;
        }

        return true;
    }
}
