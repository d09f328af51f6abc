using Swarm.Node.Compute;

namespace Swarm.Simulation;

/// <summary>A compute device that computes at once and then is busy for as long as another would be.</summary>
public sealed class VirtualExecutor(VirtualProcess process, ComputeSpeed speed) : IComputeExecutor
{
    /// <summary>How much longer everything takes; 1: not.</summary>
    public double Slowness { get; set; } = 1;

    public async ValueTask RunAsync(IComputeWork work)
    {
        ArgumentNullException.ThrowIfNull(work);
        work.Run();
        (int blocks, int tokens) = work.Size;
        TimeSpan time = speed.Of(blocks, tokens) * Slowness;
        if (time <= TimeSpan.Zero)
            return;
        await Task.Delay(time, process);
        work.Took(time);
    }

    public void Dispose()
    {
    }
}
