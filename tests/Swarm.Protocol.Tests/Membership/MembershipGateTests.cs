using Swarm.Protocol.Membership;

namespace Swarm.Protocol.Tests.Membership;

public sealed class MembershipGateTests : IDisposable
{
    private static readonly DateTimeOffset Start = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly SettableTime _time = new(Start);
    private readonly SwarmRoot _root = SwarmRoot.Found();
    private readonly PeerKey _key = PeerKey.Create();

    public void Dispose()
    {
        _root.Dispose();
        _key.Dispose();
    }

    [Fact]
    public void Check_EachDefect_HasItsName()
    {
        using SwarmRoot elsewhere = SwarmRoot.Found();
        using var other = PeerKey.Create();
        SwarmInvite invite = _root.Issue([]);
        MembershipGate gate = Gate();
        MembershipProof forged = MembershipProof.Sign(other, invite.Grant, _key.PublicKey.Span);
        byte[] unsigned = invite.Prove(_key).ToBytes();
        int signature = unsigned.AsSpan().IndexOf(invite.Grant.Wire.Signature.Span);
        unsigned[signature] ^= 1;

        Assert.Equal(MembershipRefusal.NoCertificate, gate.Check(default, out _));
        Assert.Equal(MembershipRefusal.MalformedCertificate, gate.Check(new byte[] { 1, 2, 3 }, out _));
        Assert.Equal(MembershipRefusal.NoProof, gate.Check(_key.PublicKey.Span, null, out _));
        Assert.Equal(MembershipRefusal.AnotherSwarm, gate.Check(_key.PublicKey.Span, elsewhere.Issue([]).Prove(_key), out _));
        Assert.Equal(MembershipRefusal.BadGrantSignature, gate.Check(_key.PublicKey.Span, MembershipProof.Parse(unsigned), out _));
        Assert.Equal(MembershipRefusal.BadProofSignature, gate.Check(_key.PublicKey.Span, forged, out _));
        Assert.Equal(MembershipRefusal.BadProofSignature, gate.Check(other.PublicKey.Span, invite.Prove(_key), out _));
        Assert.Equal(MembershipRefusal.MalformedProof, gate.Check(PeerCertificate.Create(_key, [1, 2, 3]).GetRawCertData(), out Member member));
        Assert.Equal(_key.Id, member.Peer);
        Assert.Null(gate.Check(_key.PublicKey.Span, invite.Prove(_key), out _));
    }

    [Fact]
    public void Check_GrantEnds_MemberUntilThen()
    {
        SwarmInvite invite = _root.Issue([], new GrantTerms { NotAfter = Start + TimeSpan.FromHours(1) });
        MembershipGate gate = Gate();
        MembershipProof proof = invite.Prove(_key);
        Assert.Null(gate.Check(_key.PublicKey.Span, proof, out Member member));
        _time.Now = Start + TimeSpan.FromHours(2);
        Assert.Equal(MembershipRefusal.Expired, gate.Check(_key.PublicKey.Span, proof, out _));
        Assert.Equal(MembershipRefusal.Expired, gate.Recheck(member));
    }

    [Fact]
    public void Update_OnlyNewerListsOfTheRoot_AreTaken()
    {
        using SwarmRoot elsewhere = SwarmRoot.Found();
        SwarmInvite invite = _root.Issue([]);
        MembershipGate gate = Gate();
        int changes = 0;
        gate.Changed += () => changes++;
        Assert.Null(gate.Check(_key.PublicKey.Span, invite.Prove(_key), out Member member));
        RevocationList list = _root.SignRevocations(5, [new Revocation(invite.Id, [])]);
        byte[] forged = list.ToBytes();
        forged[^1] ^= 1;

        Assert.False(gate.Update(elsewhere.SignRevocations(9, [])));
        Assert.False(gate.Update(RevocationList.Parse(forged)));
        Assert.Null(gate.Recheck(member));
        Assert.True(gate.Update(RevocationList.Parse(list.ToBytes())));
        Assert.Equal(MembershipRefusal.Revoked, gate.Recheck(member));
        Assert.Equal(MembershipRefusal.Revoked, gate.Check(_key.PublicKey.Span, invite.Prove(_key), out _));
        Assert.False(gate.Update(_root.SignRevocations(5, [])));
        Assert.False(gate.Update(_root.SignRevocations(4, [])));
        Assert.True(gate.Update(_root.SignRevocations(6, [new Revocation(invite.Id, [_key.Id])])));
        Assert.Null(gate.Recheck(member));
        Assert.Equal(2, changes);
    }

    [Fact]
    public void Check_PublicSwarm_TakesGuestsButNoFalseProofs()
    {
        using SwarmRoot elsewhere = SwarmRoot.Found();
        var gate = new MembershipGate(_root.Swarm, isPublic: true, _time);
        Assert.Null(gate.Check(_key.PublicKey.Span, null, out Member guest));
        Assert.Equal(new Member(_key.Id, null, null), guest);
        Assert.Equal(MembershipRefusal.AnotherSwarm, gate.Check(_key.PublicKey.Span, elsewhere.Issue([]).Prove(_key), out _));
    }

    [Fact]
    public void SignRevocations_OverTheLimits_IsRefusedBothWays()
    {
        Revocation[] many = [.. Enumerable.Range(0, MembershipLimits.MaxRevocations + 1).Select(i => new Revocation(GrantId.OfPublicKey([(byte)i, (byte)(i >> 8)]), []))];
        Assert.Throws<ArgumentException>(() => _root.SignRevocations(1, many));
        Assert.Throws<ArgumentException>(() => _root.SignRevocations(1, [many[0], many[0]]));
        PeerId[] staying = [.. Enumerable.Range(0, MembershipLimits.MaxStaying).Select(i => PeerId.OfPublicKey([(byte)i, (byte)(i >> 8)]))];
        RevocationList largest = _root.SignRevocations(ulong.MaxValue, [.. many.Skip(2).Select((entry, i) => i == 0 ? entry with { Staying = [.. staying] } : entry), many[0]]);
        Assert.True(RevocationList.Parse(largest.ToBytes()).IsSignedByRoot());
        Assert.Throws<ArgumentException>(() => _root.SignRevocations(1, [many[0] with { Staying = [.. staying, default] }]));
    }

    private MembershipGate Gate() => new(_root.Swarm, isPublic: false, _time);

    private sealed class SettableTime(DateTimeOffset now) : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = now;

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
