namespace Swarm.Protocol;

/// <summary>
/// Why the swarm did not do what was asked. The message says what was seen and what was expected, and names the peer where one is
/// concerned.
/// </summary>
public sealed class SwarmException : Exception
{
    /// <param name="fault">The kind.</param>
    /// <param name="message">What was seen, what was expected.</param>
    /// <param name="peer">The peer concerned.</param>
    /// <param name="blocks">The blocks concerned, [first, end).</param>
    /// <param name="inner">The cause.</param>
    public SwarmException(FaultKind fault, string message, PeerId? peer = null, (int First, int End)? blocks = null, Exception? inner = null)
        : base(message, inner)
    {
        Fault = fault;
        Peer = peer;
        Blocks = blocks;
    }

    public FaultKind Fault { get; }

    /// <summary>The stable word for scripts, such as <c>NoRoute</c>.</summary>
    public string Code => Fault.Rule().Code;

    public PeerId? Peer { get; }

    public (int First, int End)? Blocks { get; }
}
