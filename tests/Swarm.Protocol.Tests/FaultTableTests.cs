using Grpc.Core;
using Swarm.Protocol.Directory;
using Swarm.Testing;

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
            Assert.True(Enum.IsDefined(rule.Response));
            Assert.True(Enum.IsDefined(rule.Cost));
            // What the caller did wrong is wrong everywhere, and what is nobody's fault is meant: neither is tried again.
            Assert.Equal(rule.Blame is FaultBlame.Caller or FaultBlame.Nobody, rule.Response == FaultResponse.Fail);
            // Overload goes elsewhere and costs nothing; who lies is heard once more before it costs anything.
            Assert.True(rule.Blame is FaultBlame.Peer or FaultBlame.Liar || rule.Cost == FaultCost.None, $"{kind}");
            Assert.Equal(rule.Blame == FaultBlame.Liar, rule.Cost == FaultCost.HiddenForAMinute);
            Assert.True(rule.Blame != FaultBlame.Liar || rule.Response == FaultResponse.Resend, $"{kind}");
            Assert.Equal(rule.Cost != FaultCost.None, LivenessRules.Hides(kind));
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
            "DeadlineExceeded", "CorruptModel", "Internal", "InvalidInvite", "NotAMember", "BlocksNotServed", "Paused", "TensorNotHeld", "WrongTensor",
        ];
        for (int number = 0; number < names.Length; number++)
            Assert.Equal(names[number], ((FaultKind)number).ToString());
    }

    [Fact]
    public void Document_IsMadeFromTheTable()
    {
        const string rewrite = "SWARM_WRITE_DOCS";
        string path = Path.Combine(TestData.Root, "docs", "faults.md");
        string text = FaultDocument.Write(File.ReadAllText(Path.Combine(TestData.Root, "protos", "swarm", "v1", "fault.proto")));
        if (Environment.GetEnvironmentVariable(rewrite) == "1")
            File.WriteAllText(path, text);

        Assert.True(File.ReadAllText(path) == text, $"docs/faults.md differs from the fault table: run this test once with {rewrite}=1");
    }
}
