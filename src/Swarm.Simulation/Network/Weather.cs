namespace Swarm.Simulation;

/// <summary>What the network does to what travels, on all ways alike.</summary>
public sealed record Weather
{
    /// <summary>Shortest and longest way between two machines; each pair has its own.</summary>
    public (TimeSpan Least, TimeSpan Most) Delay { get; init; } = (TimeSpan.FromMilliseconds(2), TimeSpan.FromMilliseconds(30));

    /// <summary>Longest that a message takes beyond its way, as a share of it.</summary>
    public double Jitter { get; init; } = 0.2;

    /// <summary>Share of messages that have to be sent again before they arrive.</summary>
    public double Loss { get; init; }

    /// <summary>Time until what was lost is sent again; doubles with each loss.</summary>
    public TimeSpan Resend { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>Share of messages of links that arrive twice.</summary>
    public double Repeats { get; init; }

    /// <summary>What a way carries; 0: without bound.</summary>
    public double BytesPerSecond { get; init; }
}
