using Google.Protobuf;
using Swarm.Protocol.Membership;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;

namespace Swarm.Protocol.Tests.Membership;

public sealed class SwarmInviteTests : IDisposable
{
    private static readonly PeerAddress[] Addresses = [new("10.0.0.1", 31330), new("::1", 80), new("node.example.org", 1)];

    private readonly SwarmRoot _root = SwarmRoot.Found();

    public void Dispose() => _root.Dispose();

    [Fact]
    public void Parse_WhatToTextWrote_IsTheSameInvite()
    {
        var end = new DateTimeOffset(2040, 1, 2, 3, 4, 5, TimeSpan.Zero);
        SwarmInvite invite = _root.Issue(Addresses, new GrantTerms { NotAfter = end, Label = "friends" }).WithModel(new byte[32], "tiny");
        SwarmInvite read = SwarmInvite.Parse("  " + invite.ToText() + "\n");
        Assert.StartsWith("swarm1", invite.ToText());
        Assert.Equal(Addresses, read.Addresses);
        Assert.Equal((_root.Swarm, invite.Id, end, "friends", false), (read.Swarm, read.Id, read.Grant.NotAfter, read.Grant.Label, read.Grant.IsPublic));
        Assert.Equal((32, "tiny"), (read.ModelIdentity.Length, read.ModelName));
        Assert.Equal(invite.ToText(), read.ToText());
        Assert.True(invite.ToText().Length < 1000, $"{invite.ToText().Length} characters: too long to paste");
    }

    [Fact]
    public void Prove_ByTheReadInvite_MakesAMember()
    {
        SwarmInvite read = SwarmInvite.Parse(_root.Issue(Addresses).ToText());
        using var key = PeerKey.Create();
        var gate = new MembershipGate(_root.Swarm, isPublic: false, TimeProvider.System);
        Assert.Null(gate.Check(key.PublicKey.Span, MembershipProof.Parse(read.Prove(key).ToBytes()), out Member member));
        Assert.Equal(new Member(key.Id, read.Id, null), member);
    }

    [Fact]
    public void Parse_EveryLengthButTheWhole_IsRefused()
    {
        string text = _root.Issue(Addresses).ToText();
        for (int length = 0; length < text.Length; length++)
            Assert.Equal(FaultKind.InvalidInvite, Assert.Throws<SwarmException>(() => SwarmInvite.Parse(text[..length])).Fault);
    }

    [Theory]
    [InlineData("grant of another root")]
    [InlineData("key of another invite")]
    [InlineData("no address")]
    [InlineData("a bad address")]
    [InlineData("a short model identity")]
    [InlineData("no grant")]
    public void Parse_PartsThatDoNotFit_SaysWhich(string what)
    {
        using SwarmRoot other = SwarmRoot.Found();
        InviteData data = Read(_root.Issue(Addresses));
        InviteData foreign = Read(other.Issue(Addresses));
        string says;
        switch (what)
        {
            case "grant of another root":
                data.Grant.Signature = foreign.Grant.Signature;
                says = "not signed by the swarm's root";
                break;
            case "key of another invite":
                data.InvitePrivateKey = foreign.InvitePrivateKey;
                says = "not the grant's";
                break;
            case "no address":
                data.Addresses.Clear();
                says = "0 addresses";
                break;
            case "a bad address":
                data.Addresses[1] = "nowhere";
                says = "nowhere";
                break;
            case "a short model identity":
                data.ModelIdentity = ByteString.CopyFrom(1, 2);
                says = "2 bytes";
                break;
            default:
                data.Grant = null;
                says = "grant: missing";
                break;
        }

        string text = "swarm1" + System.Buffers.Text.Base64Url.EncodeToString(data.ToByteArray());
        Assert.Contains(says, Assert.Throws<SwarmException>(() => SwarmInvite.Parse(text)).Message);
    }

    [Fact]
    public void Root_FromItsPem_IsTheSameSwarm()
    {
        using SwarmRoot read = SwarmRoot.FromPem(_root.ToPem());
        Assert.Equal(_root.Swarm, read.Swarm);
        Assert.Equal(_root.Swarm, read.Issue(Addresses).Swarm);
    }

    [Fact]
    public void ToText_WithoutAddress_IsAnError() => Assert.Throws<InvalidOperationException>(() => _root.Issue([]).ToText());

    private static InviteData Read(SwarmInvite invite) => InviteData.Parser.ParseFrom(System.Buffers.Text.Base64Url.DecodeFromChars(invite.ToText().AsSpan(6)));
}
