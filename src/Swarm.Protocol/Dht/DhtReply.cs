using System.Diagnostics.CodeAnalysis;

namespace Swarm.Protocol.Dht;

/// <summary>What came of a call: an answer, or why there is none. A peer that does not answer is no exception.</summary>
internal readonly record struct DhtReply<T>(T? Message, SwarmException? Fault)
    where T : class
{
    [MemberNotNullWhen(true, nameof(Message))]
    [MemberNotNullWhen(false, nameof(Fault))]
    public bool IsAnswer => Message is not null;
}
