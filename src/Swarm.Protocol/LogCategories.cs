namespace Swarm.Protocol;

/// <summary>The categories under which the program logs: people choose a level for each by these names.</summary>
public static class LogCategories
{
    /// <summary>The daemon: its start, its state, its sessions.</summary>
    public const string Node = "Swarm.Node";

    /// <summary>Which blocks a node takes, and when it moves.</summary>
    public const string Placement = "Swarm.Placement";

    /// <summary>Connections and calls.</summary>
    public const string Transport = "Swarm.Transport";

    /// <summary>Who is let in, and who is not.</summary>
    public const string Membership = "Swarm.Membership";

    /// <summary>Look-ups and records.</summary>
    public const string Dht = "Swarm.Dht";

    /// <summary>Who serves what, and who is gone.</summary>
    public const string Directory = "Swarm.Directory";

    /// <summary>Routes, sessions and recoveries of a client.</summary>
    public const string Client = "Swarm.Client";

    /// <summary>The program around a node: priority, limits, services.</summary>
    public const string Guest = "Swarm.Guest";

    /// <summary>All of the above.</summary>
    public static IReadOnlyList<string> All { get; } = [Node, Placement, Transport, Membership, Dht, Directory, Client, Guest];
}
