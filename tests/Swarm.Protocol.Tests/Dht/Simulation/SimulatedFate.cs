namespace Swarm.Protocol.Tests.Dht.Simulation;

internal enum SimulatedFate
{
    Alive,

    /// <summary>Its machine says that nobody listens.</summary>
    Dead,

    /// <summary>Nothing comes back.</summary>
    Mute,
}
