using Swarm.Models;
using Swarm.Models.Blocks;

namespace Swarm.Node.Sessions;

/// <summary>
/// Blocks that are ready to compute, and the caches laid out for them. A node that moves replaces it as a whole: new sessions get the new one, a session that runs ends on the
/// one it began with. Blocks that several share are in memory once.
/// </summary>
internal sealed class ServedSpan(BlockStack stack, KvPool pool) : IDisposable
{
    private readonly TaskCompletionSource _freed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public BlockStack Stack { get; } = stack;

    public KvPool Pool { get; } = pool;

    public BlockSpan Blocks => Stack.Span;

    public KvLayout Layout => Stack.KvLayout;

    /// <summary>Ends when nobody uses it any more and what it alone held is free.</summary>
    public Task Freed => _freed.Task;

    // The table's, under its lock.

    /// <summary>Sessions on it whose caches are not given back yet, and those who load from it.</summary>
    public int Users { get; set; }

    /// <summary>New sessions get another one, or none.</summary>
    public bool IsRetired { get; set; }

    public void Dispose()
    {
        Pool.Dispose();
        Stack.Dispose();
        _freed.TrySetResult();
    }
}
