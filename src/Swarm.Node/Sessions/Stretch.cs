using Google.Protobuf;
using Google.Protobuf.Collections;
using Swarm.Protocol.Wire;

namespace Swarm.Node.Sessions;

/// <summary>Rows that go to the next hop as one step.</summary>
/// <param name="Position">Of the first of them.</param>
/// <param name="Count">Rows.</param>
/// <param name="Outputs">What the client wants of them.</param>
/// <param name="IsBulk">They go by the link for long transfers.</param>
/// <param name="IsReplay">The client has had the results.</param>
internal readonly record struct Stretch(int Position, int Count, Outputs Outputs, bool IsBulk, bool IsReplay)
{
    public int End => Position + Count;

    /// <summary>Their ids; null with local ends.</summary>
    public RepeatedField<uint>? TokenIds { get; init; }

    /// <summary>Names of the beginnings that they complete.</summary>
    public IEnumerable<ByteString> Labels { get; init; } = [];
}
