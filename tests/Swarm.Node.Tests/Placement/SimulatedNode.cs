using Swarm.Node.Placement;

namespace Swarm.Node.Tests.Placement;

/// <summary>A node of a <see cref="PlacementSimulation"/>.</summary>
internal sealed class SimulatedNode(int index, double speed)
{
    private readonly Dictionary<int, double> _delays = [];

    public int Index { get; } = index;

    /// <summary>True blocks·tokens a second; its announcements say what it measured.</summary>
    public double Speed { get; } = speed;

    /// <summary>What is so now.</summary>
    public required PlacementNode Truth { get; set; }

    /// <summary>What it told others, when; null once others know that it is dead.</summary>
    public List<(TimeSpan Time, PlacementNode? Node)> Announced { get; } = [];

    public PlacementHistory History { get; set; } = PlacementHistory.Empty;

    public TimeSpan? DiedAt { get; set; }

    public int Moves { get; set; }

    public bool Serves => DiedAt is null && Truth.State == PlacementState.Serving;

    /// <summary>What was announced at a time.</summary>
    public PlacementNode? At(TimeSpan time)
    {
        for (int index = Announced.Count - 1; index >= 0; index--)
        {
            if (Announced[index].Time <= time)
                return Announced[index].Node;
        }

        return null;
    }

    /// <summary>How late this node hears from another: drawn once for each pair.</summary>
    public TimeSpan DelayOf(SimulatedNode other, PlacementSimulation simulation)
    {
        if (!_delays.TryGetValue(other.Index, out double delay))
            _delays[other.Index] = delay = simulation.Draw(simulation.DelaySeconds);
        return TimeSpan.FromSeconds(delay);
    }
}
