namespace Swarm.Simulation.Tests;

internal static class SimulationTestModel
{
    public static string Name => new SimulationOptions().Model;
}
