namespace Swarm.Models.Blocks;

/// <summary>Divides rows over threads that last for one call: some milliseconds of work each, beside which starting them is nothing. They have the caller's priority.</summary>
internal static class RowThreads
{
    /// <summary>Runs <paramref name="body"/>(first, count) over parts that cover [0, rows); the caller does one of them.</summary>
    /// <param name="rows">How many rows.</param>
    /// <param name="threads">At most so many parts.</param>
    /// <param name="body">Answers the first row at which it stopped, or -1; an exception is rethrown here.</param>
    /// <returns>The first row at which one of them stopped, or -1.</returns>
    public static int Run(int rows, int threads, Func<int, int, int> body)
    {
        int parts = Math.Max(1, Math.Min(threads, rows));
        int[] stops = new int[parts];
        var failures = new Exception?[parts];
        var others = new Thread[parts - 1];
        ThreadPriority priority = Thread.CurrentThread.Priority;
        for (int i = 1; i < parts; i++)
        {
            int part = i;
            others[i - 1] = new Thread(() => Work(part)) { IsBackground = true, Name = "swarm rows", Priority = priority };
            others[i - 1].Start();
        }

        Work(0);
        foreach (Thread other in others)
            other.Join();
        if (Array.Find(failures, failure => failure is not null) is { } first)
            throw new AggregateException(first);
        int stopped = Array.FindIndex(stops, stop => stop >= 0);
        return stopped < 0 ? -1 : stops[stopped];

        void Work(int part)
        {
            int from = (int)((long)rows * part / parts), to = (int)((long)rows * (part + 1) / parts);
            try
            {
                stops[part] = body(from, to - from);
            }
            catch (Exception exception)
            {
                failures[part] = exception;
            }
        }
    }
}
