using Swarm.Node;

namespace Swarm.Testing;

/// <summary>What a node reported, and a way to wait for what it will report.</summary>
public sealed class NodeEvents
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Lock _lock = new();
    private readonly List<NodeEvent> _seen = [];
    private readonly List<(Func<IReadOnlyList<NodeEvent>, bool> Reached, TaskCompletionSource Source)> _waiting = [];

    /// <summary>To be given to the node.</summary>
    public void Record(NodeEvent happened)
    {
        List<TaskCompletionSource> reached = [];
        lock (_lock)
        {
            _seen.Add(happened);
            for (int index = _waiting.Count - 1; index >= 0; index--)
            {
                if (!_waiting[index].Reached(_seen))
                    continue;
                reached.Add(_waiting[index].Source);
                _waiting.RemoveAt(index);
            }
        }

        foreach (TaskCompletionSource source in reached)
            source.TrySetResult();
    }

    /// <summary>Whether such an event has come.</summary>
    public bool Has(Func<NodeEvent, bool> what)
    {
        lock (_lock)
            return _seen.Exists(happened => what(happened));
    }

    /// <summary>Ends when the events so far satisfy a condition; fails after a minute, naming it.</summary>
    public async Task WaitAsync(Func<IReadOnlyList<NodeEvent>, bool> reached, string what)
    {
        var source = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            if (reached(_seen))
                return;
            _waiting.Add((reached, source));
        }

        try
        {
            await source.Task.WaitAsync(Patience);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"within {Patience.TotalSeconds:0} s: no {what}");
        }
    }

    /// <summary>Ends when as many sessions have closed as have opened, and at least <paramref name="sessions"/>.</summary>
    public Task WaitUntilIdleAsync(int sessions) => WaitAsync(
        seen =>
        {
            int opened = seen.Count(happened => happened is NodeSessionOpened);
            return opened >= sessions && opened == seen.Count(happened => happened is NodeSessionClosed);
        },
        "end of all sessions");
}
