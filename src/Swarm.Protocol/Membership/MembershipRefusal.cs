namespace Swarm.Protocol.Membership;

/// <summary>Why a peer is no member. Closed.</summary>
public enum MembershipRefusal
{
    /// <summary>The peer showed no certificate.</summary>
    NoCertificate,

    /// <summary>The certificate cannot be read, or its key is not on P-256.</summary>
    MalformedCertificate,

    /// <summary>A certificate without a proof, in a private swarm.</summary>
    NoProof,

    /// <summary>The proof cannot be read.</summary>
    MalformedProof,

    /// <summary>The grant is another swarm's.</summary>
    AnotherSwarm,

    /// <summary>The grant is not signed by the root.</summary>
    BadGrantSignature,

    /// <summary>The invite key did not sign this peer's key.</summary>
    BadProofSignature,

    /// <summary>The grant's time is over.</summary>
    Expired,

    /// <summary>The root has ended the invite, and this peer is not among those who stay.</summary>
    Revoked,
}
