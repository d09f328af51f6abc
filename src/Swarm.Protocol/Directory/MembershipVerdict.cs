namespace Swarm.Protocol.Directory;

/// <summary>Whether this side is a member, from what several peers said. Plain functions.</summary>
public static class MembershipVerdict
{
    /// <summary>
    /// The refusal, where nobody let this side in and all who said anything refused it. One refusal alone proves nothing: a connection that ends with its
    /// peer just after the handshake looks the same, so the verdict holds when it comes out twice.
    /// </summary>
    /// <param name="faults">Of each peer that was called, why it did not answer; null where it did.</param>
    public static SwarmException? Refusal(IEnumerable<SwarmException?> faults)
    {
        SwarmException? refusal = null;
        foreach (SwarmException? fault in faults)
        {
            if (fault is null || fault.Fault is not (FaultKind.NotAMember or FaultKind.PeerUnreachable))
                return null;
            if (fault.Fault == FaultKind.NotAMember)
                refusal ??= fault;
        }

        return refusal;
    }
}
