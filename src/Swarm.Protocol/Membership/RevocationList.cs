using System.Collections.Frozen;
using System.Collections.Immutable;
using Google.Protobuf;
using Swarm.Protocol.Wire;

namespace Swarm.Protocol.Membership;

/// <summary>The invites that the root has ended. Immutable; well-formed, which is not yet to say that the root signed it.</summary>
public sealed class RevocationList
{
    private readonly SignedRevocations _wire;
    private readonly FrozenDictionary<GrantId, FrozenSet<PeerId>> _staying;

    private RevocationList(SignedRevocations wire, RevocationBody body, ImmutableArray<Revocation> entries)
    {
        _wire = wire;
        RootKey = body.RootKey.Memory;
        Swarm = SwarmId.OfPublicKey(RootKey.Span);
        Sequence = body.Sequence;
        Entries = entries;
        _staying = entries.ToFrozenDictionary(entry => entry.Grant, entry => entry.Staying.ToFrozenSet());
    }

    /// <summary>The swarm whose root is named.</summary>
    public SwarmId Swarm { get; }

    /// <summary>SubjectPublicKeyInfo of the root, 91 bytes.</summary>
    public ReadOnlyMemory<byte> RootKey { get; }

    /// <summary>A list replaces those of a lower number.</summary>
    public ulong Sequence { get; }

    /// <summary>One a grant.</summary>
    public ImmutableArray<Revocation> Entries { get; }

    /// <summary>Reads what <see cref="ToBytes"/> writes.</summary>
    /// <exception cref="MembershipException">A field is missing or outside its limits.</exception>
    public static RevocationList Parse(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length is 0 or > MembershipLimits.MaxRevocationBytes + 128)
            throw new MembershipException($"revocations: {bytes.Length} bytes, expected 1 to {MembershipLimits.MaxRevocationBytes + 128}");
        SignedRevocations wire;
        RevocationBody body;
        try
        {
            wire = SignedRevocations.Parser.ParseFrom(bytes);
            body = RevocationBody.Parser.ParseFrom(wire.Body);
        }
        catch (InvalidProtocolBufferException exception)
        {
            throw new MembershipException("revocations: the bytes are damaged", exception);
        }

        if (wire.Signature.Length != PeerKey.SignatureLength)
            throw new MembershipException($"revocations: signature of {wire.Signature.Length} bytes, expected {PeerKey.SignatureLength}");
        if (!PublicKeyFormat.IsWellFormed(body.RootKey.Span))
            throw new MembershipException($"revocations: root key of {body.RootKey.Length} bytes is no key on P-256 of {PublicKeyFormat.Length} bytes");
        if (body.Entries.Count > MembershipLimits.MaxRevocations)
            throw new MembershipException($"revocations: {body.Entries.Count} entries, expected at most {MembershipLimits.MaxRevocations}");
        return new RevocationList(wire, body, Read(body));
    }

    public byte[] ToBytes() => _wire.ToByteArray();

    /// <summary>Whether the root signed it.</summary>
    public bool IsSignedByRoot() => PeerKey.Verify(RootKey.Span, SignatureContext.Revocations(_wire.Body.Span), _wire.Signature.Span);

    /// <summary>Whether a peer that came by a grant is refused.</summary>
    public bool Revokes(GrantId grant, PeerId peer) => _staying.TryGetValue(grant, out FrozenSet<PeerId>? staying) && !staying.Contains(peer);

    internal static RevocationList Sign(PeerKey root, ulong sequence, IReadOnlyList<Revocation> entries)
    {
        ArgumentNullException.ThrowIfNull(entries);
        if (entries.Count > MembershipLimits.MaxRevocations)
            throw new ArgumentException($"{entries.Count} revocations, expected at most {MembershipLimits.MaxRevocations}", nameof(entries));
        int staying = entries.Sum(entry => entry.Staying.Length);
        if (staying > MembershipLimits.MaxStaying)
            throw new ArgumentException($"{staying} peers that stay, expected at most {MembershipLimits.MaxStaying}", nameof(entries));
        if (entries.DistinctBy(entry => entry.Grant).Count() != entries.Count)
            throw new ArgumentException("two revocations of one grant, expected one", nameof(entries));
        var body = new RevocationBody { RootKey = UnsafeByteOperations.UnsafeWrap(root.PublicKey), Sequence = sequence };
        foreach (Revocation entry in entries)
            body.Entries.Add(new RevocationEntry { Grant = entry.Grant.ToByteString(), Staying = { entry.Staying.Select(peer => peer.ToByteString()) } });
        ByteString bytes = body.ToByteString();
        byte[] signature = root.Sign(SignatureContext.Revocations(bytes.Span));
        return new RevocationList(new SignedRevocations { Body = bytes, Signature = UnsafeByteOperations.UnsafeWrap(signature) }, body, [.. entries]);
    }

    private static ImmutableArray<Revocation> Read(RevocationBody body)
    {
        ImmutableArray<Revocation>.Builder entries = ImmutableArray.CreateBuilder<Revocation>(body.Entries.Count);
        var seen = new HashSet<GrantId>();
        int total = 0;
        foreach (RevocationEntry entry in body.Entries)
        {
            if (!GrantId.TryRead(entry.Grant, out GrantId grant))
                throw new MembershipException($"revocations: grant id of {entry.Grant.Length} bytes, expected {GrantId.Length}");
            if (!seen.Add(grant))
                throw new MembershipException($"revocations: grant {grant} twice, expected once");
            total += entry.Staying.Count;
            if (total > MembershipLimits.MaxStaying)
                throw new MembershipException($"revocations: {total} peers that stay, expected at most {MembershipLimits.MaxStaying}");
            ImmutableArray<PeerId>.Builder staying = ImmutableArray.CreateBuilder<PeerId>(entry.Staying.Count);
            foreach (ByteString bytes in entry.Staying)
                staying.Add(PeerId.TryRead(bytes, out PeerId peer) ? peer : throw new MembershipException($"revocations: peer id of {bytes.Length} bytes, expected {PeerId.Length}"));
            entries.Add(new Revocation(grant, staying.MoveToImmutable()));
        }

        return entries.MoveToImmutable();
    }
}
