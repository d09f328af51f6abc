using Swarm.Node.Compute;

namespace Swarm.Testing;

/// <summary>A compute device that a test can stop and let go on.</summary>
public sealed class HeldExecutor : IComputeExecutor
{
    private volatile TaskCompletionSource _gate = Opened();

    /// <summary>The next pass waits.</summary>
    public void Hold() => _gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Passes go on.</summary>
    public void Release() => _gate.TrySetResult();

    public async ValueTask RunAsync(IComputeWork work)
    {
        await _gate.Task;
        work.Run();
    }

    public void Dispose()
    {
    }

    private static TaskCompletionSource Opened()
    {
        var gate = new TaskCompletionSource();
        gate.SetResult();
        return gate;
    }
}
