namespace Swarm.Simulation;

/// <summary>One fault of a scenario.</summary>
/// <param name="At">When, from the moment that all nodes serve.</param>
/// <param name="Duration">Until it is over, or who was struck comes back.</param>
/// <param name="Kind">What.</param>
/// <param name="Node">Whom it strikes; the client's number for <see cref="SimulatedFault.ClientLoss"/>.</param>
/// <param name="Other">The other side of a connection: a node's number, or the number of nodes and more for a client.</param>
public sealed record PlannedFault(TimeSpan At, TimeSpan Duration, SimulatedFault Kind, int Node, int Other = -1)
{
    /// <summary>From then on the swarm has nothing of it to fear.</summary>
    public TimeSpan Over => At + Duration + Kind switch
    {
        // A peer whose bytes contradicted themselves stays hidden for a minute.
        SimulatedFault.Corruption => TimeSpan.FromSeconds(75),

        // Who comes back announces itself; who was hidden is probed again.
        SimulatedFault.Slow or SimulatedFault.Cut => TimeSpan.FromSeconds(1),
        _ => TimeSpan.FromSeconds(6) + Duration,
    };

    /// <summary>Whether the node cannot be counted on meanwhile.</summary>
    public bool Disables => Kind is not (SimulatedFault.Slow or SimulatedFault.ClientLoss or SimulatedFault.Cut);

    public override string ToString() => FormattableString.Invariant($"{At.TotalSeconds:F3} s {Kind} {Node}{(Other < 0 ? "" : $"-{Other}")} for {Duration.TotalSeconds:F3} s");
}
