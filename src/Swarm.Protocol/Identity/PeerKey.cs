using System.Security.Cryptography;

namespace Swarm.Protocol;

/// <summary>A key pair, ECDSA on P-256: what makes a peer who it is, and what roots and invites sign with. Safe for calls at the same time.</summary>
public sealed class PeerKey : IDisposable
{
    /// <summary>Bytes of a signature: r and s, IEEE P1363.</summary>
    public const int SignatureLength = 64;

    /// <summary>Longest PEM text that is read, characters.</summary>
    public const int MaxPemLength = 4096;

    private const int ScalarLength = 32;

    private readonly ECDsa _key;
    private readonly byte[] _publicKey;
    private readonly Lock _gate = new();

    private PeerKey(ECDsa key)
    {
        _key = key;
        _publicKey = key.ExportSubjectPublicKeyInfo();
        Id = PeerId.OfPublicKey(_publicKey);
    }

    public PeerId Id { get; }

    /// <summary>SubjectPublicKeyInfo, 91 bytes.</summary>
    public ReadOnlyMemory<byte> PublicKey => _publicKey;

    /// <summary>What precedes the hash of the data in what is signed. With it 50 bytes are signed, which no handshake of TLS signs, so the key may serve both.</summary>
    private static ReadOnlySpan<byte> SigningPrefix => "swarm signature 1\0"u8;

    /// <summary>A new key from the operating system's generator.</summary>
    public static PeerKey Create() => new(ECDsa.Create(ECCurve.NamedCurves.nistP256));

    /// <summary>The key of a private scalar: for simulations, whose peers a seed decides.</summary>
    /// <param name="scalar">32 bytes, big endian, from 1 to below the curve's order.</param>
    /// <exception cref="CryptographicException">Outside of the curve's range.</exception>
    public static PeerKey FromScalar(ReadOnlySpan<byte> scalar)
    {
        if (scalar.Length != ScalarLength)
            throw new ArgumentException($"scalar of {scalar.Length} bytes, expected {ScalarLength}", nameof(scalar));
        return new PeerKey(ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, D = scalar.ToArray() }));
    }

    /// <summary>Reads what <see cref="ToPem"/> writes.</summary>
    /// <exception cref="FormatException">The text is no private key on P-256 in PEM; it says what was seen, never the text itself.</exception>
    public static PeerKey FromPem(string pem)
    {
        ArgumentNullException.ThrowIfNull(pem);
        if (pem.Length > MaxPemLength)
            throw new FormatException($"private key: {pem.Length} characters, expected at most {MaxPemLength}");
        ECDsa key = ECDsa.Create();
        try
        {
            key.ImportFromPem(pem);
            if (!PublicKeyFormat.IsWellFormed(key.ExportSubjectPublicKeyInfo()))
                throw new FormatException("private key: on another curve, expected P-256");

            // A public key alone imports as well.
            key.ExportParameters(includePrivateParameters: true);
            return new PeerKey(key);
        }
        catch (Exception exception)
        {
            key.Dispose();
            if (exception is CryptographicException or ArgumentException)
                throw new FormatException("private key: not a private key on P-256 in PEM (PKCS#8); is the file complete?", exception);
            throw;
        }
    }

    /// <summary>The private key as PKCS#8 in PEM, not encrypted: for an owner-only file.</summary>
    public string ToPem() => _key.ExportPkcs8PrivateKeyPem() + "\n";

    /// <summary>Signs data: ECDSA with SHA-256 over "swarm signature 1", a zero byte and the SHA-256 of the data. 64 bytes. The data must begin with what tells its kind from all others that are signed.</summary>
    public byte[] Sign(ReadOnlySpan<byte> data)
    {
        Span<byte> message = stackalloc byte[SigningPrefix.Length + SHA256.HashSizeInBytes];
        Frame(data, message);
        lock (_gate)
            return _key.SignData(message, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
    }

    /// <summary>Whether the signature is that key's over the data. False for anything malformed.</summary>
    public static bool Verify(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        if (signature.Length != SignatureLength || !PublicKeyFormat.IsWellFormed(publicKey))
            return false;
        Span<byte> message = stackalloc byte[SigningPrefix.Length + SHA256.HashSizeInBytes];
        Frame(data, message);
        try
        {
            using ECDsa key = ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, Q = PublicKeyFormat.Point(publicKey) });
            return key.VerifyData(message, signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        }
        catch (CryptographicException)
        {
            // Not a point of the curve.
            return false;
        }
    }

    public void Dispose() => _key.Dispose();

    /// <summary>The key of a private scalar and the public key that belongs to it; null when they do not belong together.</summary>
    internal static PeerKey? TryFromScalar(ReadOnlySpan<byte> scalar, ReadOnlySpan<byte> publicKey)
    {
        if (scalar.Length != ScalarLength || !PublicKeyFormat.IsWellFormed(publicKey))
            return null;
        PeerKey? key = null;
        try
        {
            key = new PeerKey(ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, D = scalar.ToArray(), Q = PublicKeyFormat.Point(publicKey) }));
            if (Verify(publicKey, publicKey, key.Sign(publicKey)))
                return key;
        }
        catch (CryptographicException)
        {
            // Out of the curve's range, or of another public key.
        }

        key?.Dispose();
        return null;
    }

    /// <summary>The private scalar, 32 bytes.</summary>
    internal byte[] ExportScalar() => _key.ExportParameters(includePrivateParameters: true).D!;

    /// <summary>Uses the key for what needs the platform's type; the key stays this object's.</summary>
    internal T Use<T>(Func<ECDsa, T> use)
    {
        lock (_gate)
            return use(_key);
    }

    private static void Frame(ReadOnlySpan<byte> data, Span<byte> message)
    {
        SigningPrefix.CopyTo(message);
        SHA256.HashData(data, message[SigningPrefix.Length..]);
    }
}
