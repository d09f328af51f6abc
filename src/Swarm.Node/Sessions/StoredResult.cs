using Swarm.Protocol.Links;

namespace Swarm.Node.Sessions;

/// <summary>A result at the last hop that the client may lack.</summary>
/// <param name="Number">The step's number in the epoch that it came in.</param>
/// <param name="Position">Of its first token.</param>
/// <param name="Count">Tokens.</param>
/// <param name="Packet">What the client asked for of the output; null for nothing.</param>
/// <param name="IsBulk">The step came by the link for long transfers.</param>
/// <param name="SentOn">Where it was sent; null while no client has attached.</param>
internal readonly record struct StoredResult(ulong Number, int Position, int Count, HiddenPacket? Packet, bool IsBulk, InboundLink? SentOn)
{
    /// <summary>Bytes that its packet takes of the session's lease.</summary>
    public long ChargedBytes { get; init; }

    public int End => Position + Count;

    /// <summary>The id chosen, with swarm ends, where the client asked for it.</summary>
    public int? Chosen { get; init; }
}
