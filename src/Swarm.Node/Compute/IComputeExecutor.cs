namespace Swarm.Node.Compute;

/// <summary>Where passes run. One pass at a time.</summary>
public interface IComputeExecutor : IDisposable
{
    /// <summary>Runs the work and ends when it has ended; what it throws is thrown here.</summary>
    ValueTask RunAsync(IComputeWork work);
}
