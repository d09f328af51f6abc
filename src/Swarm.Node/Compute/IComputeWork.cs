namespace Swarm.Node.Compute;

/// <summary>One turn on the compute device.</summary>
public interface IComputeWork
{
    void Run();
}
