namespace Swarm.Node.Compute;

/// <summary>Runs passes in the calling thread: for tests and simulation.</summary>
public sealed class InlineExecutor : IComputeExecutor
{
    public ValueTask RunAsync(IComputeWork work)
    {
        work.Run();
        return default;
    }

    public void Dispose()
    {
    }
}
