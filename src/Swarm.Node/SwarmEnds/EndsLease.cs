using Swarm.Models.Blocks;

namespace Swarm.Node.SwarmEnds;

/// <summary>A session's right to the ends that it needs of this hop; they stay in memory until it is given back.</summary>
internal sealed class EndsLease(EndsKeeper keeper, ModelEnds? embedding, ModelEnds? head) : IDisposable
{
    private EndsKeeper? _keeper = keeper;

    /// <summary>Embeds; null where another hop does.</summary>
    public ModelEnds? Embedding { get; } = embedding;

    /// <summary>Gives logits; null where another hop does.</summary>
    public ModelEnds? Head { get; } = head;

    public void Dispose() => Interlocked.Exchange(ref _keeper, null)?.Release(this);
}
