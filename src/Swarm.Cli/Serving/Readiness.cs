using Swarm.Node;
using Swarm.Protocol.Directory;

namespace Swarm.Cli.Serving;

/// <summary>Whether the node takes work now, told from what it reports and from the state that it announces. Rules only; safe from any thread.</summary>
internal sealed class Readiness
{
    private volatile string? _phase = "loading";
    private volatile Func<NodeState>? _state;

    /// <summary>Why the node takes no work: <c>loading</c>, a state's word such as <c>paused</c>, <c>draining</c>, <c>stopped</c>; null when it serves.</summary>
    public string? Obstacle => _phase ?? (_state?.Invoke() is { } state and not NodeState.Serving ? NodeReport.Word(state) : null);

    /// <summary>The node has started: its state counts from now on.</summary>
    public void Follow(Func<NodeState> state) => _state = state;

    public void Observe(NodeEvent happened)
    {
        switch (happened)
        {
            case NodeReady:
                _phase = null;
                break;
            case NodeUnreachable:
                _phase = "unreachable";
                break;
            case NodeDraining:
                _phase = "draining";
                break;
            case NodeStopped:
                _phase = "stopped";
                break;
        }
    }
}
