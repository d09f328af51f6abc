namespace Swarm.Protocol.Membership;

/// <summary>Bytes that are no grant, proof or revocation list. The message names field, value and limit.</summary>
public sealed class MembershipException : Exception
{
    public MembershipException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
