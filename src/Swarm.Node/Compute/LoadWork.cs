using Swarm.Models.Blocks;

namespace Swarm.Node.Compute;

/// <summary>Loads blocks, away from the thread that computes passes.</summary>
internal sealed class LoadWork(Func<BlockStack> load) : IComputeWork
{
    private BlockStack? _loaded;

    public void Run() => _loaded = load();

    /// <summary>Hands the blocks over; null where loading failed.</summary>
    public BlockStack? Take() => Interlocked.Exchange(ref _loaded, null);
}
