using System.Collections.Immutable;
using Swarm.Models;

namespace Swarm.Client.Observing;

/// <summary>What follows from a swarm's nodes: replicas of each block, and alerts. Plain functions.</summary>
public static class StatusRules
{
    /// <summary>Most nodes that one alert names.</summary>
    private const int MostNamed = 4;

    /// <summary>Puts one look together.</summary>
    /// <param name="swarm">The swarm's id, 64 hexadecimal digits.</param>
    /// <param name="model">The model looked at; null where no node announces one.</param>
    /// <param name="models">Every model of the swarm.</param>
    /// <param name="nodes">The model's nodes, in any order.</param>
    public static SwarmStatus Assess(string swarm, ObservedModel? model, IEnumerable<ObservedModel> models, IEnumerable<ObservedNode> nodes)
    {
        ImmutableArray<ObservedNode> ordered = [.. nodes.OrderBy(node => node.Blocks.Start).ThenBy(node => node.Blocks.End).ThenBy(node => node.Peer)];
        ImmutableArray<int> replicas = Replicas(ordered.Where(node => node.Counts).Select(node => node.Blocks), model?.Blocks ?? 0);
        return new SwarmStatus
        {
            Swarm = swarm,
            Model = model,
            Models = [.. models.OrderByDescending(other => other.Nodes).ThenBy(other => other.Identity, StringComparer.Ordinal)],
            Nodes = ordered,
            Replicas = replicas,
            Alerts = Alerts(model, ordered, replicas),
        };
    }

    /// <summary>How many of the spans hold each block; parts outside the model are not counted.</summary>
    public static ImmutableArray<int> Replicas(IEnumerable<BlockSpan> spans, int blocks)
    {
        int[] replicas = new int[blocks];
        foreach (BlockSpan span in spans)
        {
            for (int block = Math.Max(0, span.Start); block < Math.Min(blocks, span.End); block++)
                replicas[block]++;
        }

        return [.. replicas];
    }

    /// <summary>The stretches of blocks for which something holds, in order.</summary>
    public static ImmutableArray<BlockSpan> Stretches(int blocks, Func<int, bool> holds)
    {
        var stretches = ImmutableArray.CreateBuilder<BlockSpan>();
        int? start = null;
        for (int block = 0; block <= blocks; block++)
        {
            bool inside = block < blocks && holds(block);
            if (inside)
                start ??= block;
            else if (start is { } first)
            {
                stretches.Add(new BlockSpan(first, block));
                start = null;
            }
        }

        return stretches.ToImmutable();
    }

    private static ImmutableArray<StatusAlert> Alerts(ObservedModel? model, ImmutableArray<ObservedNode> nodes, ImmutableArray<int> replicas)
    {
        var alerts = ImmutableArray.CreateBuilder<StatusAlert>();
        void Add(StatusAlertCode code, string message) => alerts.Add(new StatusAlert(code, message));

        if (nodes.IsEmpty)
        {
            Add(StatusAlertCode.NoNodes, $"no node serves {model?.Name ?? "any model"}: start one with 'swarm serve --join INVITE'");
            return alerts.ToImmutable();
        }

        AddUncovered(nodes, replicas, Add);
        ObservedNode[] unreachable = [.. nodes.Where(node => node.State == ObservedState.Unreachable)];
        if (unreachable.Length > 0)
        {
            Add(
                StatusAlertCode.UnreachableNode,
                $"{Names(unreachable)} {Verb(unreachable.Length, "does", "do")} not answer: is the program still running there, and does its firewall or router let the port in?");
        }

        AddFull(nodes, replicas, Add);
        ImmutableArray<BlockSpan> single = Stretches(replicas.Length, block => replicas[block] == 1);
        if (!single.IsEmpty)
            Add(StatusAlertCode.SingleReplica, $"{Blocks(single)}: one replica, whose loss ends generations; another node that may choose its blocks mends it");

        string[] versions = [.. nodes.Select(node => node.Version).Where(version => version.Length > 0).Distinct().Order(StringComparer.Ordinal)];
        if (versions.Length > 1)
        {
            IEnumerable<string> counts = versions.Select(version => $"{version} on {nodes.Count(node => node.Version == version)}");
            Add(StatusAlertCode.VersionMix, $"{versions.Length} versions run: {string.Join(", ", counts)}; bring the older ones up to date");
        }

        return alerts.ToImmutable();
    }

    private static void AddUncovered(ImmutableArray<ObservedNode> nodes, ImmutableArray<int> replicas, Action<StatusAlertCode, string> add)
    {
        ImmutableArray<BlockSpan> holes = Stretches(replicas.Length, block => replicas[block] == 0);
        if (holes.IsEmpty)
            return;

        // What helps depends on whether somebody is about to fill the hole.
        ImmutableArray<int> coming = Replicas(nodes.Where(node => node.State == ObservedState.Joining).Select(node => node.Blocks), replicas.Length);
        ImmutableArray<int> paused = Replicas(nodes.Where(node => node.State == ObservedState.Paused).Select(node => node.Blocks), replicas.Length);
        bool Everywhere(ImmutableArray<int> have) => holes.All(hole => Enumerable.Range(hole.Start, hole.Count).All(block => have[block] > 0));
        string remedy = Everywhere(coming) ? "nodes that load now will serve them"
            : Everywhere(paused) ? "paused nodes hold them: 'swarm resume' there"
            : "no text can be generated; start another node, or give a node more --memory";
        add(StatusAlertCode.UncoveredBlocks, $"{Blocks(holes)}: nobody serves them; {remedy}");
    }

    private static void AddFull(ImmutableArray<ObservedNode> nodes, ImmutableArray<int> replicas, Action<StatusAlertCode, string> add)
    {
        ImmutableArray<int> roomy = Replicas(nodes.Where(node => node.Counts && node.CacheTokensFree > 0).Select(node => node.Blocks), replicas.Length);
        ImmutableArray<BlockSpan> full = Stretches(replicas.Length, block => replicas[block] > 0 && roomy[block] == 0);
        if (!full.IsEmpty)
            add(StatusAlertCode.NoFreeCache, $"{Blocks(full)}: all caches are taken, new sessions are refused; wait, or add nodes or --memory");
    }

    private static string Blocks(ImmutableArray<BlockSpan> stretches) => "blocks " + string.Join(", ", stretches);

    private static string Names(ObservedNode[] nodes)
    {
        string named = string.Join(", ", nodes.Take(MostNamed).Select(node => $"{node.Peer.Short} at {node.Address}"));
        return nodes.Length > MostNamed ? $"{named} and {nodes.Length - MostNamed} more" : named;
    }

    private static string Verb(int count, string one, string many) => count == 1 ? one : many;
}
