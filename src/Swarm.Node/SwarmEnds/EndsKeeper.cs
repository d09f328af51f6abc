using Swarm.Models.Blocks;

namespace Swarm.Node.SwarmEnds;

/// <summary>
/// The model's ends at this node: loaded when a session first needs them, once, and kept for the next one. Who needs the memory for blocks takes back those that no session
/// uses (<see cref="Trim"/>).
/// </summary>
/// <param name="load">Loads parts, or says why not: a SwarmException (NoCapacity) or ModelException.</param>
internal sealed class EndsKeeper(Func<EndParts, Task<ModelEnds>> load) : IDisposable
{
    private readonly Lock _lock = new();

    // At most two: one for each end.
    private readonly List<(ModelEnds Ends, int Users)> _held = [];
    private TaskCompletionSource? _loading;
    private bool _disposed;

    /// <summary>Bytes of weights in memory.</summary>
    public long WeightBytes
    {
        get
        {
            lock (_lock)
                return _held.Sum(held => held.Ends.WeightBytes);
        }
    }

    /// <summary>Times that something was loaded.</summary>
    public int Loads { get; private set; }

    /// <summary>Ends when the parts are in memory; they stay there until the lease is disposed.</summary>
    /// <exception cref="Protocol.SwarmException">NoCapacity: they do not fit, or this node has no room for loading now.</exception>
    /// <exception cref="Models.ModelException">What is wrong with the model's files.</exception>
    public async Task<EndsLease> TakeAsync(EndParts parts)
    {
        while (true)
        {
            TaskCompletionSource? others;
            TaskCompletionSource? own = null;
            EndParts missing;
            lock (_lock)
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                missing = parts & ~_held.Aggregate(EndParts.None, (seen, held) => seen | held.Ends.Parts);
                if (missing == EndParts.None)
                    return new EndsLease(this, Use(parts & EndParts.Embedding), Use(parts & EndParts.Head));
                others = _loading;
                if (others is null)
                    _loading = own = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            if (own is null)
                await others!.Task;
            else
                await LoadAsync(missing, own);
        }
    }

    /// <summary>Frees what no session uses.</summary>
    public void Trim()
    {
        List<ModelEnds> unused;
        lock (_lock)
        {
            unused = [.. _held.Where(held => held.Users == 0).Select(held => held.Ends)];
            _held.RemoveAll(held => held.Users == 0);
        }

        unused.ForEach(ends => ends.Dispose());
    }

    /// <summary>Frees everything; the compute loop has ended.</summary>
    public void Dispose()
    {
        List<ModelEnds> all;
        lock (_lock)
        {
            _disposed = true;
            all = [.. _held.Select(held => held.Ends)];
            _held.Clear();
        }

        all.ForEach(ends => ends.Dispose());
    }

    internal void Release(EndsLease lease)
    {
        lock (_lock)
        {
            AddUser(lease.Embedding, -1);
            AddUser(lease.Head, -1);
        }
    }

    // One loads; those who come meanwhile look again when it is done, whether it worked or not.
    private async Task LoadAsync(EndParts missing, TaskCompletionSource own)
    {
        ModelEnds? loaded = null;
        try
        {
            loaded = await load(missing);
        }
        finally
        {
            bool late;
            lock (_lock)
            {
                _loading = null;
                late = _disposed;
                if (loaded is not null && !late)
                {
                    _held.Add((loaded, 0));
                    Loads++;
                }
            }

            if (late)
                loaded?.Dispose();
            own.SetResult();
        }
    }

    private ModelEnds? Use(EndParts part)
    {
        if (part == EndParts.None)
            return null;
        ModelEnds ends = _held.Find(held => held.Ends.Parts.HasFlag(part)).Ends;
        AddUser(ends, 1);
        return ends;
    }

    private void AddUser(ModelEnds? ends, int change)
    {
        int index = _held.FindIndex(held => held.Ends == ends);
        if (index >= 0)
            _held[index] = (_held[index].Ends, _held[index].Users + change);
    }
}
