using Grpc.Core;

namespace Swarm.Protocol.Tests;

/// <summary>Every kind of fault has its row.</summary>
public sealed class FaultTableTests
{
    [Fact]
    public void Rule_EveryKind_HasItsOwnRow()
    {
        Assert.Equal(Enum.GetValues<FaultKind>().Order(), FaultTable.Kinds.Order());
        foreach (FaultKind kind in Enum.GetValues<FaultKind>())
        {
            FaultRule rule = kind.Rule();
            Assert.Equal(kind, rule.Kind);
            Assert.NotEqual(StatusCode.OK, rule.Status);
            Assert.Equal(kind == FaultKind.Unspecified ? "Internal" : kind.ToString(), rule.Code);
            Assert.True(Enum.IsDefined(rule.Blame));
            // What the caller did wrong is wrong everywhere.
            Assert.False(rule.Blame is FaultBlame.Caller or FaultBlame.Nobody && rule.ElsewhereMayServe, $"{kind}");
        }
    }

    [Fact]
    public void Rule_NumberOfALaterVersion_IsInternal() => Assert.Equal("Internal", ((FaultKind)9999).Rule().Code);

    [Fact]
    public void Numbers_AreThoseOfTheWire()
    {
        // Append-only: a number never changes its meaning.
        string[] names =
        [
            "Unspecified", "InvalidArgument", "ContextExceeded", "ModelMismatch", "VersionMismatch", "NoRoute", "NoCapacity", "PeerUnreachable",
            "PeerLost", "PeerStalled", "CorruptPacket", "ProtocolViolation", "UnknownSession", "StaleEpoch", "WrongPosition", "Draining", "Cancelled",
            "DeadlineExceeded", "CorruptModel", "Internal", "InvalidInvite", "NotAMember", "BlocksNotServed", "Paused",
        ];
        for (int number = 0; number < names.Length; number++)
            Assert.Equal(names[number], ((FaultKind)number).ToString());
    }
}
