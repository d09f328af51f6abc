using Swarm.Protocol.Wire;

namespace Swarm.Node.Sessions;

/// <summary>A step whose result the client may still lack: what its header said.</summary>
/// <param name="Position">Of its first token.</param>
/// <param name="Count">Tokens.</param>
/// <param name="Outputs">What the client wants of it.</param>
/// <param name="IsBulk">It came by the link for long transfers, and goes on by it.</param>
internal readonly record struct StepMark(int Position, int Count, Outputs Outputs, bool IsBulk)
{
    public int End => Position + Count;
}
