using System.Security.Cryptography;

namespace Swarm.Protocol;

/// <summary>The key pair (ECDSA on P-256) that makes a peer who it is. Lives as long as the process.</summary>
public sealed class PeerKey : IDisposable
{
    private readonly ECDsa _key;

    private PeerKey(ECDsa key)
    {
        _key = key;
        Id = PeerId.OfPublicKey(key.ExportSubjectPublicKeyInfo());
    }

    public PeerId Id { get; }

    /// <summary>A new key from the operating system's generator.</summary>
    public static PeerKey Create() => new(ECDsa.Create(ECCurve.NamedCurves.nistP256));

    public void Dispose() => _key.Dispose();
}
