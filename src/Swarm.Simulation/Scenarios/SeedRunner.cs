namespace Swarm.Simulation;

/// <summary>Runs seeds, as many at once as there are processors; each has a thread of its own and the others do not matter to it.</summary>
public static class SeedRunner
{
    /// <summary>Runs the seeds from one up to, and without, another.</summary>
    /// <param name="first">First seed.</param>
    /// <param name="end">One past the last.</param>
    /// <param name="options">What is simulated.</param>
    /// <param name="done">Told of each, in no order, one at a time.</param>
    /// <param name="cancellationToken">No more seeds are begun.</param>
    public static SimulationTotals Run(ulong first, ulong end, SimulationOptions options, Action<RunResult>? done = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var texts = new TextCatalogue(options.Model);
        var results = new SortedDictionary<ulong, RunResult>();
        var gate = new Lock();
        ulong next = first;
        void Work()
        {
            while (!cancellationToken.IsCancellationRequested)
            {
                ulong seed;
                lock (gate)
                {
                    if (next >= end)
                        return;
                    seed = next++;
                }

                using var run = new ScenarioRun(seed, options, texts);
                RunResult result = run.Run();
                lock (gate)
                {
                    results.Add(seed, result);
                    done?.Invoke(result);
                }
            }
        }

        Thread[] threads = [.. Enumerable.Range(0, (int)Math.Min((ulong)Environment.ProcessorCount, end - first)).Select(_ => new Thread(Work) { IsBackground = true, Name = "swarm simulation" })];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
        return new SimulationTotals { Runs = [.. results.Values] };
    }
}
