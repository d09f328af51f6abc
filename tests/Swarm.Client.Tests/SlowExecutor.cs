using Swarm.Node.Compute;

namespace Swarm.Client.Tests;

/// <summary>A compute device that a test can make slow: each pass takes so much longer by its own account, and nobody waits for it.</summary>
internal sealed class SlowExecutor : IComputeExecutor
{
    private readonly ThreadExecutor _device = new("slow compute");
    private long _ticks;

    public TimeSpan Extra
    {
        set => Volatile.Write(ref _ticks, value.Ticks);
    }

    public async ValueTask RunAsync(IComputeWork work)
    {
        await _device.RunAsync(work);
        if (work.Size.Tokens > 0 && Volatile.Read(ref _ticks) is > 0 and long ticks)
            work.Took(TimeSpan.FromTicks(ticks));
    }

    public void Dispose() => _device.Dispose();
}
