namespace Swarm.Protocol.Membership;

/// <summary>Who is a member of a swarm, now. Safe for calls at the same time.</summary>
public sealed class MembershipGate
{
    /// <summary>Proofs whose signatures are not checked again. Signatures do not age; ends and revocations are looked at every time.</summary>
    private const int MaxVerified = 4096;

    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private readonly HashSet<Hash256> _verified = [];
    private readonly Queue<Hash256> _order = [];
    private RevocationList? _revocations;

    /// <param name="swarm">The swarm.</param>
    /// <param name="isPublic">Accepts peers without a proof.</param>
    /// <param name="time">The clock by which grants end.</param>
    public MembershipGate(SwarmId swarm, bool isPublic, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(time);
        Swarm = swarm;
        IsPublic = isPublic;
        _time = time;
    }

    /// <summary>Some who were members are no more; listeners and transports close their connections. Raised on the thread that called <see cref="Update"/>.</summary>
    public event Action? Changed;

    public SwarmId Swarm { get; }

    public bool IsPublic { get; }

    /// <summary>The newest list; null before the first.</summary>
    public RevocationList? Revocations => Volatile.Read(ref _revocations);

    /// <summary>Takes a list over when it is newer than the one held and the root of this swarm signed it.</summary>
    /// <returns>Whether it was taken.</returns>
    public bool Update(RevocationList list)
    {
        ArgumentNullException.ThrowIfNull(list);
        if (list.Swarm != Swarm || list.Sequence <= (Revocations?.Sequence ?? 0) || !list.IsSignedByRoot())
            return false;
        lock (_lock)
        {
            if (list.Sequence <= (_revocations?.Sequence ?? 0))
                return false;
            Volatile.Write(ref _revocations, list);
        }

        Changed?.Invoke();
        return true;
    }

    /// <summary>Checks the certificate that a peer showed. That it holds the certificate's key is the handshake's to prove.</summary>
    /// <param name="certificate">DER; empty: none shown.</param>
    /// <param name="member">Who it is; its peer is also set for a readable certificate that is refused.</param>
    /// <returns>Null: a member.</returns>
    public MembershipRefusal? Check(ReadOnlyMemory<byte> certificate, out Member member)
    {
        member = default;
        if (certificate.IsEmpty)
            return MembershipRefusal.NoCertificate;
        if (!PeerCertificate.TryRead(certificate, out ReadOnlyMemory<byte> publicKey, out ReadOnlyMemory<byte>? proofBytes))
            return MembershipRefusal.MalformedCertificate;
        MembershipProof? proof = null;
        if (proofBytes is { } bytes)
        {
            try
            {
                proof = MembershipProof.Parse(bytes.Span);
            }
            catch (MembershipException)
            {
                member = new Member(PeerId.OfPublicKey(publicKey.Span), null, null);
                return MembershipRefusal.MalformedProof;
            }
        }

        return Check(publicKey.Span, proof, out member);
    }

    /// <summary>Checks a public key (SubjectPublicKeyInfo) and its proof.</summary>
    /// <returns>Null: a member.</returns>
    public MembershipRefusal? Check(ReadOnlySpan<byte> publicKey, MembershipProof? proof, out Member member)
    {
        member = new Member(PeerId.OfPublicKey(publicKey), proof?.Grant.Id, proof?.Grant.NotAfter);
        if (proof is null)
            return IsPublic ? null : MembershipRefusal.NoProof;
        if (proof.Grant.Swarm != Swarm)
            return MembershipRefusal.AnotherSwarm;
        if (Recheck(member) is { } over)
            return over;
        Hash256 name = Hash256.Of([.. publicKey, .. proof.ToBytes()]);
        lock (_lock)
        {
            if (_verified.Contains(name))
                return null;
        }

        if (!proof.Grant.IsSignedByRoot())
            return MembershipRefusal.BadGrantSignature;
        if (!proof.IsFor(publicKey))
            return MembershipRefusal.BadProofSignature;
        Remember(name);
        return null;
    }

    /// <summary>Whether one who was let in would be refused now: its grant has ended or was revoked.</summary>
    public MembershipRefusal? Recheck(in Member member)
    {
        if (member.NotAfter is { } end && _time.GetUtcNow() > end)
            return MembershipRefusal.Expired;
        return member.Grant is { } grant && Revocations is { } list && list.Revokes(grant, member.Peer) ? MembershipRefusal.Revoked : null;
    }

    private void Remember(Hash256 name)
    {
        lock (_lock)
        {
            if (!_verified.Add(name))
                return;
            _order.Enqueue(name);
            if (_order.Count > MaxVerified)
                _verified.Remove(_order.Dequeue());
        }
    }
}
