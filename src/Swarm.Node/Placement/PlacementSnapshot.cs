using System.Collections.Immutable;
using Swarm.Models;
using Swarm.Protocol;

namespace Swarm.Node.Placement;

/// <summary>
/// One model's nodes as a node knows them at a time; others know them a little differently. Immutable; its order of nodes is that of their ids, whatever order they were given in.
/// </summary>
public sealed class PlacementSnapshot
{
    private readonly ImmutableArray<PlacementNode> _nodes;
    private MovePlan? _plan;

    /// <param name="modelBlocks">Blocks of the model, at least 1.</param>
    /// <param name="nodes">
    /// Nodes of this model. They come from others' announcements, so what is impossible (blocks outside the model, a second entry of a peer) is left out rather than trusted.
    /// </param>
    public PlacementSnapshot(int modelBlocks, IEnumerable<PlacementNode> nodes)
        : this(modelBlocks, [.. nodes.Where(node => IsPossible(node, modelBlocks)).OrderBy(node => node.Peer).DistinctBy(node => node.Peer)])
    {
    }

    private PlacementSnapshot(int modelBlocks, ImmutableArray<PlacementNode> nodes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(modelBlocks, 1);
        ModelBlocks = modelBlocks;
        _nodes = nodes;
        Weights = PlacementWeights.Of(nodes, modelBlocks);
    }

    /// <summary>Blocks of the model.</summary>
    public int ModelBlocks { get; }

    /// <summary>The nodes, ordered by peer.</summary>
    public IReadOnlyList<PlacementNode> Nodes => _nodes;

    internal PlacementWeights Weights { get; }

    /// <summary>The snapshot with the caller's own entry as it is, in place of the one that others told.</summary>
    public PlacementSnapshot With(PlacementNode self)
    {
        int at = IndexOf(self.Peer);
        if (at >= 0)
            return _nodes[at] == self ? this : new PlacementSnapshot(ModelBlocks, _nodes.SetItem(at, self));
        return new PlacementSnapshot(ModelBlocks, _nodes.Insert(~at, self));
    }

    /// <summary>Replicas a block that serve now; what leaves or is only meant does not count.</summary>
    public int[] Replicas()
    {
        int[] replicas = new int[ModelBlocks];
        foreach (PlacementNode node in _nodes)
        {
            for (int block = node.Blocks.Start; node.State == PlacementState.Serving && block < node.Blocks.End; block++)
                replicas[block]++;
        }

        return replicas;
    }

    internal int IndexOf(PeerId peer)
    {
        int low = 0;
        int high = _nodes.Length - 1;
        while (low <= high)
        {
            int middle = (low + high) / 2;
            int order = _nodes[middle].Peer.CompareTo(peer);
            if (order == 0)
                return middle;
            if (order < 0)
                low = middle + 1;
            else
                high = middle - 1;
        }

        return ~low;
    }

    // Everybody who sees this snapshot makes the same plan of it, so it is made once. Two threads that make it at once make the same.
    internal MovePlan PlanFor(long epoch)
    {
        MovePlan? plan = _plan;
        if (plan is null || plan.Epoch != epoch)
            _plan = plan = MovePlan.Make(this, epoch);
        return plan;
    }

    private static bool IsPossible(PlacementNode node, int blocks) =>
        node.Capacity >= 0 && Enum.IsDefined(node.State)
        && (node.Blocks.Count > 0 ? Within(node.Blocks, blocks) : node.State == PlacementState.Joining && node.Blocks.Count == 0)
        && (node.Intent is not { } intent || Within(intent, blocks));

    private static bool Within(BlockSpan span, int blocks) => span.Start >= 0 && span.Start < span.End && span.End <= blocks;
}
