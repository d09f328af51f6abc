namespace Swarm.Simulation;

/// <summary>What is simulated for each seed.</summary>
public sealed record SimulationOptions
{
    /// <summary>The model whose blocks are served.</summary>
    public string Model { get; init; } = "random:200KiB:q4_0:1";

    /// <summary>Nodes of a swarm. Default: 5 to 8, as the seed says.</summary>
    public int? Nodes { get; init; }

    /// <summary>How long clients begin new generations, in virtual time.</summary>
    public TimeSpan Length { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Mean time between two faults.</summary>
    public TimeSpan MeanGap { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>What may befall it. Default: everything.</summary>
    public IReadOnlySet<SimulatedFault> Faults { get; init; } = new SortedSet<SimulatedFault>(Enum.GetValues<SimulatedFault>());

    /// <summary>Share of clients that leave the model's ends to the nodes.</summary>
    public double ThinClients { get; init; }

    /// <summary>How long a device takes.</summary>
    public ComputeSpeed Speed { get; init; } = new(TimeSpan.FromMilliseconds(7), TimeSpan.FromMilliseconds(0.1));

    /// <summary>Told of each thing that happens; for finding where two runs part.</summary>
    public Action<string>? Watch { get; init; }
}
