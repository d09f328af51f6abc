namespace Swarm.Node.Compute;

/// <summary>Loads weights, away from the thread that computes passes.</summary>
internal sealed class LoadWork<T>(Func<T> load) : IComputeWork
    where T : class
{
    private T? _loaded;

    public void Run() => _loaded = load();

    /// <summary>Hands what was loaded over; null where loading failed.</summary>
    public T? Take() => Interlocked.Exchange(ref _loaded, null);
}
