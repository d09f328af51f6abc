namespace Swarm.Protocol.Membership;

/// <summary>What grants, proofs and revocations may hold; checked before anything is allocated.</summary>
public static class MembershipLimits
{
    /// <summary>Bytes of a grant's body.</summary>
    public const int MaxGrantBytes = 1024;

    /// <summary>Characters of a grant's label.</summary>
    public const int MaxLabelLength = 64;

    /// <summary>Bytes of a membership proof as a certificate carries it.</summary>
    public const int MaxProofBytes = 2048;

    /// <summary>Bytes of a peer's certificate.</summary>
    public const int MaxCertificateBytes = 4096;

    /// <summary>Invites that one list ends.</summary>
    public const int MaxRevocations = 256;

    /// <summary>Peers that stay, in one list, all entries together.</summary>
    public const int MaxStaying = 512;

    /// <summary>Bytes of a list's body: its entries and staying peers at their most, rounded up.</summary>
    public const int MaxRevocationBytes = 32 << 10;
}
