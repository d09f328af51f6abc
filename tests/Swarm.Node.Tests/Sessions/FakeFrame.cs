using Swarm.Protocol.Links;
using Swarm.Protocol.Wire;

namespace Swarm.Node.Tests;

/// <summary>A frame that came to a <see cref="FakeHop"/>, with its packet.</summary>
internal sealed record FakeFrame(LinkFrame Frame, SessionId Session, Purpose Purpose)
{
    /// <summary>The encoded hidden states.</summary>
    public List<byte> Bytes { get; } = [];

    /// <summary>Position, count and whether it is a replay.</summary>
    public (int Position, int Count, bool Replay) Stretch => ((int)Frame.Step.Position, (int)Frame.Step.Count, Frame.Step.Replay);
}
