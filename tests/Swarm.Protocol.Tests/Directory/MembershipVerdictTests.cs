using Swarm.Protocol.Directory;

namespace Swarm.Protocol.Tests.Directory;

/// <summary>Whose word it takes to know that one is no member.</summary>
public sealed class MembershipVerdictTests
{
    private static readonly SwarmException Refuses = new(FaultKind.NotAMember, "refuses");
    private static readonly SwarmException Silent = new(FaultKind.PeerUnreachable, "silent");
    private static readonly SwarmException Older = new(FaultKind.VersionMismatch, "older");

    [Fact]
    public void Refusal_AllWhoSayAnything_Refuse()
    {
        Assert.Same(Refuses, MembershipVerdict.Refusal([Refuses]));
        Assert.Same(Refuses, MembershipVerdict.Refusal([Silent, Refuses, Refuses]));
    }

    [Fact]
    public void Refusal_SomebodyLetsIn_IsNone()
    {
        Assert.Null(MembershipVerdict.Refusal([Refuses, null]));
        Assert.Null(MembershipVerdict.Refusal([Refuses, Older]));
        Assert.Null(MembershipVerdict.Refusal([Silent]));
        Assert.Null(MembershipVerdict.Refusal([]));
    }
}
