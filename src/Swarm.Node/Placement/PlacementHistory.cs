using System.Collections.Immutable;

namespace Swarm.Node.Placement;

/// <summary>When a node moved lately. Immutable.</summary>
public sealed record PlacementHistory
{
    /// <summary>How long a move is remembered.</summary>
    public static readonly TimeSpan Memory = TimeSpan.FromMinutes(10);

    private ImmutableArray<DateTimeOffset> Moves { get; init; } = [];

    public static PlacementHistory Empty { get; } = new();

    /// <summary>The history after a move that ended now, done or given up.</summary>
    public PlacementHistory Moved(DateTimeOffset now) => new() { Moves = [.. Moves.Where(time => now - time < Memory), now] };

    /// <summary>Moves that are still remembered.</summary>
    public int Recent(DateTimeOffset now) => Moves.Count(time => now - time < Memory);

    /// <summary>Time since the last move; <see cref="Memory"/> when there is none, or when the clock was set back.</summary>
    public TimeSpan SinceLast(DateTimeOffset now) => Moves.IsEmpty || now < Moves[^1] ? Memory : now - Moves[^1];

    public bool Equals(PlacementHistory? other) => other is not null && Moves.SequenceEqual(other.Moves);

    public override int GetHashCode() => Moves.Length;
}
