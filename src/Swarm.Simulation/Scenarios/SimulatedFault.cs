namespace Swarm.Simulation;

/// <summary>What befalls a simulated swarm.</summary>
public enum SimulatedFault
{
    /// <summary>A node's process is killed: its connections are reset. It comes back with its key after a while.</summary>
    Kill,

    /// <summary>A node's machine loses its power: its connections stay half open, nobody is told. It comes back with its key after a while.</summary>
    PowerLoss,

    /// <summary>A node stands still, as after SIGSTOP, and goes on.</summary>
    Freeze,

    /// <summary>A node's device takes many times longer.</summary>
    Slow,

    /// <summary>A node leaves politely, and comes back.</summary>
    Leave,

    /// <summary>Nothing passes between two processes.</summary>
    Partition,

    /// <summary>Nothing passes from one process to another; the way back is open.</summary>
    OneWay,

    /// <summary>All connections between two processes are reset.</summary>
    Cut,

    /// <summary>Hidden states that a node sends are damaged.</summary>
    Corruption,

    /// <summary>A client ends in the middle of a generation; another comes.</summary>
    ClientLoss,
}
