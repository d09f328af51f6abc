using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Swarm.Protocol.Membership;

namespace Swarm.Protocol.Transport;

/// <summary>
/// How TLS is spoken: 1.3, or 1.2 with ECDHE-ECDSA-AES-GCM; both sides show a certificate; HTTP/2 or a lane by ALPN. The platform's store of trusted roots has no say, and nothing is
/// downloaded: keys are checked by peer id and membership alone.
/// </summary>
internal sealed class TlsSettings
{
    /// <summary>What a connection says by ALPN that carries one call between two peers of this program.</summary>
    public static readonly SslApplicationProtocol Lane = new("swarm-lane/1");

    private static readonly List<SslApplicationProtocol> OnlyHttp2 = [SslApplicationProtocol.Http2];
    private static readonly List<SslApplicationProtocol> Both = [Lane, SslApplicationProtocol.Http2];

    private readonly PeerCredentials _credentials;
    private readonly SslStreamCertificateContext _certificate;

    public TlsSettings(PeerCredentials credentials)
    {
        _credentials = credentials;
        _certificate = SslStreamCertificateContext.Create(credentials.Certificate, additionalCertificates: null, offline: true);
    }

    /// <summary>The listening side's.</summary>
    /// <param name="lanes">A lane is agreed to where the other side offers one.</param>
    /// <param name="check">Gets the other side's certificate, or null; says whether the handshake goes on.</param>
    public SslServerAuthenticationOptions Server(bool lanes, Func<X509Certificate?, bool> check) => new()
    {
        ServerCertificateContext = _certificate,
        ClientCertificateRequired = true,
        EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        EncryptionPolicy = EncryptionPolicy.RequireEncryption,
        AllowRenegotiation = false,
        ApplicationProtocols = lanes ? Both : OnlyHttp2,
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        CertificateChainPolicy = ChainPolicy(),
        RemoteCertificateValidationCallback = (_, certificate, _, _) => check(certificate),
    };

    /// <summary>The dialling side's.</summary>
    /// <param name="name">What sessions are kept under, so that a second connection to the same endpoint resumes.</param>
    /// <param name="lane">Offers a lane, before HTTP/2.</param>
    /// <param name="check">Gets the other side's certificate, or null; says whether the handshake goes on.</param>
    public SslClientAuthenticationOptions Client(string name, bool lane, Func<X509Certificate?, bool> check) => new()
    {
        TargetHost = name,
        ClientCertificateContext = _certificate,
        EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        EncryptionPolicy = EncryptionPolicy.RequireEncryption,
        AllowRenegotiation = false,
        ApplicationProtocols = lane ? Both : OnlyHttp2,
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        CertificateChainPolicy = ChainPolicy(),
        RemoteCertificateValidationCallback = (_, certificate, _, _) => check(certificate),
    };

    /// <summary>
    /// Whether what was agreed on is what this class promises. Looked at afterwards: a list of suites given beforehand would cost the runtime's cache of contexts, and with it
    /// the resumption of sessions.
    /// </summary>
    public static bool IsStrong(SslStream stream) => (stream.NegotiatedApplicationProtocol == SslApplicationProtocol.Http2 || stream.NegotiatedApplicationProtocol == Lane) && stream.NegotiatedCipherSuite is
        TlsCipherSuite.TLS_AES_128_GCM_SHA256 or TlsCipherSuite.TLS_AES_256_GCM_SHA384 or TlsCipherSuite.TLS_CHACHA20_POLY1305_SHA256
        or TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 or TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384;

    /// <summary>What the gate makes of a certificate.</summary>
    public MembershipRefusal? Check(X509Certificate? certificate, out Member member) =>
        _credentials.Gate.Check(certificate?.GetRawCertData() ?? default(ReadOnlyMemory<byte>), out member);

    private static X509ChainPolicy ChainPolicy() => new()
    {
        TrustMode = X509ChainTrustMode.CustomRootTrust,
        RevocationMode = X509RevocationMode.NoCheck,
        DisableCertificateDownloads = true,
        VerificationFlags = X509VerificationFlags.AllFlags,
    };
}
