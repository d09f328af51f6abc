using Swarm.Protocol;
using Swarm.Protocol.Directory;
using Swarm.Protocol.Links;

namespace Swarm.Client;

/// <summary>What a session needs of the swarm around it.</summary>
internal sealed record ChainSurroundings
{
    public required LinkPool Links { get; init; }

    public required SwarmDirectory Directory { get; init; }

    public required TimeProvider Time { get; init; }

    public required IRandomSource Random { get; init; }

    public required RouteMode Mode { get; init; }

    /// <summary>Time that opening a chain may take.</summary>
    public required TimeSpan Patience { get; init; }

    /// <summary>Values of a hidden state.</summary>
    public required int Hidden { get; init; }

    /// <summary>Token ids are below this.</summary>
    public required int Vocabulary { get; init; }

    /// <summary>The model has blocks with a window: its hops do not keep all positions.</summary>
    public required bool HasWindows { get; init; }

    /// <summary>Looks the nodes up anew and tries those again that are hidden; one look serves all sessions that wait for one.</summary>
    public required Func<Task> Look { get; init; }

    /// <summary>Asked when no way is found: is it that nobody lets this client in any more? Null: no.</summary>
    public required Func<CancellationToken, Task<SwarmException?>> FindRefusal { get; init; }
}
