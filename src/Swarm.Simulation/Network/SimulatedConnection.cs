namespace Swarm.Simulation;

/// <summary>What the calls of one transport to one endpoint share.</summary>
internal sealed class SimulatedConnection
{
    /// <summary>The handshake is done.</summary>
    public bool IsOpen { get; set; }
}
