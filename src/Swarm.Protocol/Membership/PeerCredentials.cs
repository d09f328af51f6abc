using System.Security.Cryptography.X509Certificates;

namespace Swarm.Protocol.Membership;

/// <summary>What a peer shows to others and checks them by. Lives as long as the transports that use it.</summary>
public sealed class PeerCredentials : IDisposable
{
    private readonly Lazy<X509Certificate2> _certificate;

    private PeerCredentials(PeerKey key, MembershipProof? proof, MembershipGate gate)
    {
        Key = key;
        Proof = proof;
        Gate = gate;
        _certificate = new Lazy<X509Certificate2>(() => PeerCertificate.Create(key, proof?.ToBytes()));
    }

    /// <summary>The caller's; not disposed with this.</summary>
    public PeerKey Key { get; }

    public PeerId Peer => Key.Id;

    public SwarmId Swarm => Gate.Swarm;

    /// <summary>That this peer is a member; null for a guest of a public swarm.</summary>
    public MembershipProof? Proof { get; }

    /// <summary>Who else is. One gate may serve several transports.</summary>
    public MembershipGate Gate { get; }

    /// <summary>Self-signed, with its private key.</summary>
    internal X509Certificate2 Certificate => _certificate.Value;

    /// <summary>Credentials of a peer that came by an invite.</summary>
    public static PeerCredentials Create(PeerKey key, SwarmInvite invite, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(invite);
        return new PeerCredentials(key, invite.Prove(key), new MembershipGate(invite.Swarm, invite.Grant.IsPublic, time));
    }

    /// <summary>Credentials from their parts, which need not fit together: the other side is to find out.</summary>
    public static PeerCredentials Create(PeerKey key, MembershipProof? proof, MembershipGate gate)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(gate);
        return new PeerCredentials(key, proof, gate);
    }

    public void Dispose()
    {
        if (_certificate.IsValueCreated)
            _certificate.Value.Dispose();
    }
}
