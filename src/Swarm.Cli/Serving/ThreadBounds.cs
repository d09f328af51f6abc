namespace Swarm.Cli.Serving;

/// <summary>
/// Keeps the runtime's own threads to what was granted: the pool that answers the network does not grow with the machine. Twice the compute threads, since they wait
/// for one another, and never below a few, since a name that resolves slowly holds one.
/// </summary>
internal static class ThreadBounds
{
    private const int Least = 8;

    /// <param name="threads">What <c>--threads</c> grants.</param>
    public static void Apply(int threads)
    {
        int most = Math.Max(Least, 2 * threads);
        ThreadPool.GetMinThreads(out int workers, out int ports);
        ThreadPool.SetMinThreads(Math.Min(workers, Math.Max(2, threads)), ports);
        ThreadPool.GetMaxThreads(out _, out ports);
        ThreadPool.SetMaxThreads(most, ports);
    }
}
