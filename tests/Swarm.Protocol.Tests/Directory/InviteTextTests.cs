using Google.Protobuf;
using Swarm.Protocol.Directory;
using Swarm.Protocol.Wire;

namespace Swarm.Protocol.Tests.Directory;

/// <summary>The text that lets others join.</summary>
public sealed class InviteTextTests
{
    [Fact]
    public void Parse_WhatWasWritten_IsTheSame()
    {
        Invite invite = Sound();

        Assert.Equal(invite, InviteText.Parse("  " + InviteText.Write(invite) + "\n"));
        Assert.StartsWith("swarm1", InviteText.Write(invite));
    }

    [Theory]
    [InlineData("", "begins with")]
    [InlineData("hello", "begins with 'hello'")]
    [InlineData("swarm1", "base64url")]
    [InlineData("swarm1!!", "base64url")]
    [InlineData("swarm1/_8", "base64url")]
    [InlineData("swarm1____", "damaged")]
    public void Parse_OtherText_SaysWhatIsWrong(string text, string says)
    {
        SwarmException fault = Assert.Throws<SwarmException>(() => InviteText.Parse(text));

        Assert.Equal((FaultKind.InvalidInvite, "InvalidInvite"), (fault.Fault, fault.Code));
        Assert.Contains(says, fault.Message);
    }

    [Fact]
    public void Parse_TooLong_IsRefusedUnread() =>
        Assert.Contains("8193", Assert.Throws<SwarmException>(() => InviteText.Parse("swarm1" + new string('A', 8187))).Message);

    [Fact]
    public void Parse_EveryTruncation_IsRefusedOrComplete()
    {
        string text = InviteText.Write(Sound());
        for (int length = 0; length < text.Length; length++)
        {
            try
            {
                InviteText.Parse(text[..length]);
            }
            catch (SwarmException exception)
            {
                Assert.Equal(FaultKind.InvalidInvite, exception.Fault);
            }
        }
    }

    [Theory]
    [InlineData("no address", "0 addresses")]
    [InlineData("many addresses", "17 addresses")]
    [InlineData("bad address", "expected host:port")]
    [InlineData("swarm", "swarm id of 3 bytes")]
    [InlineData("identity", "model identity of 5 bytes")]
    [InlineData("name", "model name of 201")]
    public void Parse_FieldOutsideItsLimit_NamesIt(string what, string says)
    {
        Invite invite = Sound();
        switch (what)
        {
            case "no address":
                invite.Addresses.Clear();
                break;
            case "many addresses":
                invite.Addresses.Add(Enumerable.Repeat("127.0.0.1:1", 16));
                break;
            case "bad address":
                invite.Addresses[0] = "127.0.0.1";
                break;
            case "swarm":
                invite.Swarm = ByteString.CopyFrom(1, 2, 3);
                break;
            case "identity":
                invite.ModelIdentity = ByteString.CopyFrom(1, 2, 3, 4, 5);
                break;
            case "name":
                invite.ModelName = new string('x', 201);
                break;
        }

        Assert.Contains(says, Assert.Throws<SwarmException>(() => InviteText.Parse(InviteText.Write(invite))).Message);
    }

    private static Invite Sound() => new()
    {
        Addresses = { "127.0.0.1:31330" },
        Swarm = ByteString.CopyFrom(new byte[16]),
        ModelIdentity = ByteString.CopyFrom(new byte[32]),
        ModelName = "smollm2",
    };
}
