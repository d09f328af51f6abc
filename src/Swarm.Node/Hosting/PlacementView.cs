using Swarm.Models;
using Swarm.Node.Placement;
using Swarm.Protocol.Directory;

namespace Swarm.Node.Hosting;

/// <summary>What the directory knows of a model's nodes, as the rules of placement want it.</summary>
internal static class PlacementView
{
    /// <summary>A snapshot for the rules.</summary>
    public static PlacementSnapshot Of(IEnumerable<NodeEntry> nodes, int modelBlocks) => new(modelBlocks, nodes.Select(Of));

    /// <summary>One node. Who takes no sessions counts as about to go, whatever the reason.</summary>
    public static PlacementNode Of(NodeEntry node)
    {
        PlacementState state = node.State switch
        {
            NodeState.Joining => PlacementState.Joining,
            NodeState.Serving when node.Blocks.Count > 0 => PlacementState.Serving,
            NodeState.Serving => PlacementState.Joining,
            _ => PlacementState.Leaving,
        };
        return new PlacementNode(node.Peer, state, state == PlacementState.Joining ? default : new BlockSpan(node.Blocks.First, node.Blocks.End))
        {
            Intent = node.Target.Count > 0 ? new BlockSpan(node.Target.First, node.Target.End) : null,
            IntentConfirmed = node.TargetConfirmed,
            Capacity = node.CapacityBlocks,
            BlockTokensPerSecond = node.BlockTime > TimeSpan.Zero ? 1 / node.BlockTime.TotalSeconds : 0,
        };
    }
}
