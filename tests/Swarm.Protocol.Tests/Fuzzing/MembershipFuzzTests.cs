using System.Buffers.Text;
using System.Text;
using Google.Protobuf;
using Swarm.Protocol.Membership;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;
using Swarm.Testing;
using Swarm.Testing.Fuzzing;
using Xunit.Abstractions;

namespace Swarm.Protocol.Tests.Fuzzing;

/// <summary>Invites are typed by people, certificates and lists come from anybody.</summary>
public sealed class MembershipFuzzTests(ITestOutputHelper output) : IDisposable
{
    private readonly TestMembership _membership = new(new GrantTerms { NotAfter = new DateTimeOffset(2100, 1, 1, 0, 0, 0, TimeSpan.Zero), Label = "for the test" });

    public void Dispose() => _membership.Dispose();

    [Fact]
    public void Invite_BrokenText_FailsOnlyAsPromised() => FuzzCheck.Run(
        new FuzzTarget
        {
            Name = "invite",
            Seeds =
            [
                Encoding.UTF8.GetBytes(_membership.Invite.ToText()),
                Encoding.UTF8.GetBytes(_membership.Invite.WithAddresses([new PeerAddress("::1", 80), new PeerAddress("node.example.org", 31330)]).WithModel(new byte[32], "tiny").ToText()),
            ],
            Mutators =
            [
                new WrappedMutator(new ByteMutator(), text => Base64Url.DecodeFromUtf8(text.AsSpan(6)), bytes => [.. "swarm1"u8, .. Base64Url.EncodeToUtf8(bytes)]),
                new ByteMutator { Signature = 6 },
            ],
            Parse = bytes => $"{SwarmInvite.Parse(Encoding.UTF8.GetString(bytes)).ToText().Length / 100} hundred characters",
            TypedError = error => (error as SwarmException)?.Fault.ToString(),
            PassedHeader = (_, error) => error is null || !(error.Message.Contains("begins with", StringComparison.Ordinal) || error.Message.Contains("base64url", StringComparison.Ordinal)),
            MaxAllocatedBytes = 1 << 20,
        },
        output);

    [Fact]
    public void Certificate_BrokenBytes_IsAMemberOrRefusedByName()
    {
        PeerCredentials member = _membership.NewMember();
        using var key = PeerKey.Create();
        byte[] bare = PeerCertificate.Create(key, null).GetRawCertData();
        FuzzCheck.Run(
            new FuzzTarget
            {
                Name = "certificate",
                Seeds = [member.Certificate.GetRawCertData(), _membership.NewMember().Certificate.GetRawCertData()],
                Mutators = [new ByteMutator { MaxLength = MembershipLimits.MaxCertificateBytes + 16 }, new ByteMutator { Signature = 300, MaxLength = MembershipLimits.MaxCertificateBytes + 16 }],
                Parse = bytes =>
                {
                    _ = member.Gate.Check(bare, out _);
                    return member.Gate.Check(bytes, out _) is { } refusal ? throw new RefusedException(refusal) : "member";
                },
                TypedError = error => (error as RefusedException)?.Refusal.ToString(),
                PassedHeader = (_, error) => error is not RefusedException { Refusal: MembershipRefusal.MalformedCertificate },
                MaxAllocatedBytes = 1 << 20,
            },
            output);
    }

    [Fact]
    public void Proof_BrokenBytes_FailsOnlyAsPromised()
    {
        using var key = PeerKey.Create();
        FuzzCheck.Run(
            new FuzzTarget
            {
                Name = "membership proof",
                Seeds = [_membership.Invite.Prove(key).ToBytes()],
                Mutators = [new ByteMutator { MaxLength = MembershipLimits.MaxProofBytes + 16 }, new InPlaceMutator()],
                Parse = bytes =>
                {
                    MembershipProof proof = MembershipProof.Parse(bytes);
                    return $"root {proof.Grant.IsSignedByRoot()}, invite {proof.IsFor(key.PublicKey.Span)}";
                },
                TypedError = error => (error as MembershipException)?.Message.Split(':')[0],
                PassedHeader = (_, error) => error is null || !error.Message.Contains("damaged", StringComparison.Ordinal),
                MaxAllocatedBytes = 1 << 20,
            },
            output);
    }

    [Fact]
    public void Revocations_BrokenBytes_FailOnlyAsPromised()
    {
        RevocationList list = _membership.Root.SignRevocations(3, [new Revocation(_membership.Invite.Id, [.. _membership.NewMembers(3).Select(member => member.Peer)])]);
        var gate = new MembershipGate(_membership.Swarm, isPublic: false, TimeProvider.System);
        FuzzCheck.Run(
            new FuzzTarget
            {
                Name = "revocations",
                Seeds = [list.ToBytes(), _membership.Root.SignRevocations(1, []).ToBytes()],
                Mutators = [new ByteMutator(), new WrappedMutator(new ByteMutator(), Body, Wrap), new InPlaceMutator()],
                Parse = bytes => gate.Update(RevocationList.Parse(bytes)) ? "taken" : "left",
                TypedError = error => (error as MembershipException)?.Message.Split(':')[0],
                PassedHeader = (_, error) => error is null || !error.Message.Contains("damaged", StringComparison.Ordinal),
                MaxAllocatedBytes = 4 << 20,
            },
            output);
    }

    private static byte[] Body(byte[] list) => SignedRevocations.Parser.ParseFrom(list).Body.ToByteArray();

    private static byte[] Wrap(byte[] body) => new SignedRevocations { Body = ByteString.CopyFrom(body), Signature = ByteString.CopyFrom(new byte[64]) }.ToByteArray();

    /// <summary>Changes bytes where they stand, so that the lengths around them stay true and the values inside are reached.</summary>
    private sealed class InPlaceMutator : IFuzzMutator
    {
        public byte[] Mutate(FuzzRandom random, IReadOnlyList<byte[]> seeds)
        {
            byte[] bytes = [.. random.Pick(seeds)];
            for (int changes = 1 + random.Next(3); changes > 0; changes--)
                bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
            return bytes;
        }
    }

    private sealed class RefusedException(MembershipRefusal refusal) : Exception
    {
        public MembershipRefusal Refusal { get; } = refusal;
    }
}
