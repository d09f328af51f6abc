namespace Swarm.Simulation;

/// <summary>The way from one process to another.</summary>
internal sealed class SimulatedWay(TimeSpan delay)
{
    public TimeSpan Delay => delay;

    /// <summary>Nothing passes; what is sent waits, as it does with TCP.</summary>
    public bool IsBlocked { get; set; }

    /// <summary>Counts the times that it was blocked.</summary>
    public int Blocks { get; set; }

    /// <summary>When what was sent before has left the sender, where the way has a bound.</summary>
    public TimeSpan BusyUntil { get; set; }

    public Queue<Action> Held { get; } = new();
}
