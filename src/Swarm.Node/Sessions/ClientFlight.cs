namespace Swarm.Node.Sessions;

/// <summary>What arrives or waits here for all sessions of a client together. Under the table's lock.</summary>
internal sealed class ClientFlight
{
    /// <summary>Sessions that count here.</summary>
    public int Sessions { get; set; }

    public int Steps { get; set; }

    public long Bytes { get; set; }
}
