using Swarm.Models;
using Swarm.Protocol;
using Swarm.Protocol.Directory;

namespace Swarm.Client;

/// <summary>
/// The exact shortest path over (block, node). A step goes on at the same node or changes to another; nearly all links cost the default, so the best node to come from is one for all
/// except where a link was measured. A shortest path may come back to a node, which a session cannot: then the search branches on who computes the block where the path left it.
/// </summary>
internal sealed class LatencySearch
{
    // Paths that come back are rare and cost one or two branches; beyond this the detours are given up instead.
    private const int MostBranches = 256;
    private const int Nobody = -1;

    // Sorting a layer pays when more of its nodes than this have a measured link to the best.
    private const int MostScans = 64;

    // Half of the range: a way can be added.
    private const long Unreachable = long.MaxValue / 2;

    private readonly RouteCandidate[] _candidates;
    private readonly BlockSpan _blocks;
    private readonly long[] _blockCosts;
    private readonly long[] _entryCosts;
    private readonly (int From, long Way)[][] _measured;
    private readonly Layer[] _layers;
    private readonly int[] _placeBefore;
    private readonly long[] _costBefore;
    private readonly int[] _mark;
    private int _marks;

    /// <param name="candidates">Ordered by peer, each once; together they cover the blocks.</param>
    /// <param name="blocks">Blocks to cover.</param>
    public LatencySearch(RouteCandidate[] candidates, BlockSpan blocks)
    {
        _candidates = candidates;
        _blocks = blocks;
        _blockCosts = [.. candidates.Select(RouteCosts.Block)];
        _entryCosts = [.. candidates.Select(RouteCosts.Entry)];
        _layers = new Layer[blocks.Count];
        _placeBefore = new int[candidates.Length];
        _costBefore = new long[candidates.Length];
        _mark = new int[candidates.Length];
        _measured = Measured(candidates);
    }

    public IReadOnlyList<ChainHop> Run()
    {
        var open = new PriorityQueue<(Limits Limits, int[] Path), (long Cost, int Hops, int Order)>();
        int branches = 0;
        Push(Limits.None);
        int[] path = [];
        while (open.TryDequeue(out (Limits Limits, int[] Path) best, out _))
        {
            path = best.Path;
            if (Return(path) is not { } left)
                return Hops(path);
            if (branches >= MostBranches)
                break;
            int node = path[left - 1];
            Push(best.Limits.With(node, 0, left));
            Push(best.Limits.With(node, left + 1, _blocks.Count));
            Push(best.Limits.WithForced(left, node));
        }

        return Hops(WithoutDetours(path));

        void Push(Limits limits)
        {
            if (Solve(limits) is { } found)
                open.Enqueue((limits, found.Path), (found.Cost, found.Hops, branches++));
        }
    }

    // The first block at which the path is away from a node that it comes back to; null: it never comes back.
    private static int? Return(int[] path)
    {
        for (int block = 1; block < path.Length; block++)
        {
            if (path[block] != path[block - 1] && Array.LastIndexOf(path, path[block - 1]) > block)
                return block;
        }

        return null;
    }

    private static int[] WithoutDetours(int[] path)
    {
        int[] straight = [.. path];
        while (Return(straight) is { } left)
        {
            int node = straight[left - 1];
            int back = Array.LastIndexOf(straight, node);
            straight.AsSpan(left, back - left).Fill(node);
        }

        return straight;
    }

    // For each node the nodes that it can be reached from over a measured link.
    private static (int From, long Way)[][] Measured(RouteCandidate[] candidates)
    {
        var indexOf = new Dictionary<PeerId, int>(candidates.Length);
        for (int index = 0; index < candidates.Length; index++)
            indexOf[candidates[index].Peer] = index;
        // What each measured itself, the first figure of each; where only the other measured, that one's figure holds.
        var links = new List<(int To, long Way)>[candidates.Length];
        int[] seen = new int[candidates.Length];
        for (int index = 0; index < candidates.Length; index++)
        {
            links[index] = new List<(int, long)>(candidates[index].Links.Length);
            foreach (LinkMeasurement link in candidates[index].Links)
            {
                if (!indexOf.TryGetValue(link.Peer, out int other) || other == index || seen[other] == index + 1)
                    continue;
                seen[other] = index + 1;
                links[index].Add((other, RouteCosts.Way(link.RoundTrip)));
            }
        }

        List<(int From, long Way)>[] measured = [.. candidates.Select(_ => new List<(int, long)>())];
        for (int index = 0; index < candidates.Length; index++)
        {
            foreach ((int to, long way) in links[index])
                measured[to].Add((index, way));
        }

        for (int index = 0; index < candidates.Length; index++)
        {
            // A stamp that no earlier loop has used.
            int stamp = candidates.Length + 1 + index;
            foreach ((int from, _) in measured[index])
                seen[from] = stamp;
            foreach ((int from, long way) in links[index])
            {
                if (seen[from] != stamp)
                    measured[index].Add((from, way));
            }
        }

        return [.. measured.Select(list => list.ToArray())];
    }

    // The cheapest path within limits, as the node of each block; null: there is none.
    private (int[] Path, long Cost, int Hops)? Solve(Limits limits)
    {
        for (int block = 0; block < _layers.Length; block++)
        {
            Layer layer = Layer.Of(_candidates, _blocks.Start + block, limits, block);
            if (layer.Nodes.Length == 0)
                return null;
            _layers[block] = layer;
            if (block == 0)
                Begin(layer);
            else
                Advance(_layers[block - 1], layer);
        }

        Layer last = _layers[^1];
        int place = Nobody;
        for (int at = 0; at < last.Nodes.Length; at++)
        {
            if (last.From[at] == Layer.Unreached)
                continue;
            last.Costs[at] += RouteCosts.ClientWay(_candidates[last.Nodes[at]]);
            if (place == Nobody || last.IsBetter(at, place))
                place = at;
        }

        if (place == Nobody)
            return null;
        int[] path = new int[_layers.Length];
        long cost = last.Costs[place];
        int hops = last.Hops[place];
        for (int block = _layers.Length - 1; block >= 0; block--)
        {
            path[block] = _layers[block].Nodes[place];
            place = _layers[block].From[place];
        }

        return (path, cost, hops);
    }

    private void Begin(Layer layer)
    {
        for (int at = 0; at < layer.Nodes.Length; at++)
        {
            int node = layer.Nodes[at];
            layer.Set(at, RouteCosts.ClientWay(_candidates[node]) + _entryCosts[node] + _blockCosts[node], 1, Layer.First);
        }
    }

    private void Advance(Layer before, Layer layer)
    {
        Array.Fill(_placeBefore, Nobody);
        Array.Fill(_costBefore, Unreachable);
        for (int at = 0; at < before.Nodes.Length; at++)
        {
            if (before.From[at] == Layer.Unreached)
                continue;
            _placeBefore[before.Nodes[at]] = at;
            _costBefore[before.Nodes[at]] = before.Costs[at];
        }

        int bestBefore = before.Best();
        if (bestBefore == Nobody)
            return;
        int bestNode = before.Nodes[bestBefore];
        int[]? ranking = null;
        int asked = 0;
        for (int at = 0; at < layer.Nodes.Length; at++)
        {
            int node = layer.Nodes[at];
            int same = _placeBefore[node];
            if (same != Nobody)
                layer.Set(at, before.Costs[same] + _blockCosts[node], before.Hops[same], same);

            long entering = _entryCosts[node] + _blockCosts[node];
            bool bestIsMeasured = node == bestNode;
            long least = Unreachable;
            foreach ((int from, long way) in _measured[node])
            {
                bestIsMeasured |= from == bestNode;
                long cost = _costBefore[from] + way;
                if (cost > least || cost >= Unreachable)
                    continue;
                least = cost;
                layer.Offer(at, cost + entering, before.Hops[_placeBefore[from]] + 1, _placeBefore[from]);
            }

            int other = bestBefore;
            if (bestIsMeasured)
            {
                // The best to come from is this node or has a measured link to it: the best of the rest.
                if (++asked > MostScans)
                    ranking ??= before.Ranking();
                other = BestOfTheRest(before, ranking, node);
            }

            if (other != Nobody)
                layer.Offer(at, before.Costs[other] + RouteCosts.UnknownWay + entering, before.Hops[other] + 1, other);
        }
    }

    // The cheapest place that is neither the node's own nor linked to it; by the ranking, where there is one.
    private int BestOfTheRest(Layer before, int[]? ranking, int node)
    {
        _marks++;
        _mark[node] = _marks;
        foreach ((int from, _) in _measured[node])
            _mark[from] = _marks;
        int best = Nobody;
        for (int at = 0; at < (ranking?.Length ?? before.Nodes.Length); at++)
        {
            int place = ranking?[at] ?? at;
            if (_mark[before.Nodes[place]] == _marks || before.From[place] == Layer.Unreached)
                continue;
            if (ranking is not null)
                return place;
            if (best == Nobody || before.IsBetter(place, best))
                best = place;
        }

        return best;
    }

    private List<ChainHop> Hops(int[] path)
    {
        var hops = new List<ChainHop>();
        int start = 0;
        for (int block = 1; block <= path.Length; block++)
        {
            if (block < path.Length && path[block] == path[start])
                continue;
            RouteCandidate candidate = _candidates[path[start]];
            hops.Add(new ChainHop(candidate.Peer, candidate.Address, new BlockSpan(_blocks.Start + start, _blocks.Start + block)));
            start = block;
        }

        return hops;
    }

    // Who may compute what, beyond what it serves: relative blocks.
    private sealed record Limits((int Node, int Start, int End)[] Spans, (int Block, int Node)[] Forced)
    {
        public static Limits None { get; } = new([], []);

        public Limits With(int node, int start, int end) => this with { Spans = [.. Spans, (node, start, end)] };

        public Limits WithForced(int block, int node) => this with { Forced = [.. Forced, (block, node)] };

        public bool Allow(int node, int block)
        {
            foreach ((int limited, int start, int end) in Spans)
            {
                if (limited == node && (block < start || block >= end))
                    return false;
            }

            foreach ((int forced, int only) in Forced)
            {
                if (forced == block && only != node)
                    return false;
            }

            return true;
        }
    }

    // The nodes of one block, and the cheapest way to have computed all up to it with each of them last.
    private sealed class Layer
    {
        public const int Unreached = -2;
        public const int First = -1;

        private Layer(int[] nodes)
        {
            Nodes = nodes;
            Costs = new long[nodes.Length];
            Hops = new int[nodes.Length];
            From = new int[nodes.Length];
            Array.Fill(From, Unreached);
        }

        public int[] Nodes { get; }

        public long[] Costs { get; }

        public int[] Hops { get; }

        /// <summary>Place in the layer before.</summary>
        public int[] From { get; }

        public static Layer Of(RouteCandidate[] candidates, int block, Limits limits, int relative)
        {
            var nodes = new List<int>();
            for (int node = 0; node < candidates.Length; node++)
            {
                if (candidates[node].Blocks.Contains(block) && limits.Allow(node, relative))
                    nodes.Add(node);
            }

            return new Layer([.. nodes]);
        }

        public void Set(int at, long cost, int hops, int from) => (Costs[at], Hops[at], From[at]) = (cost, hops, from);

        // The first of equals stays.
        public void Offer(int at, long cost, int hops, int from)
        {
            int order = From[at] == Unreached ? -1 : cost.CompareTo(Costs[at]);
            order = order != 0 ? order : hops.CompareTo(Hops[at]);
            if (order < 0)
                Set(at, cost, hops, from);
        }

        public bool IsBetter(int one, int other)
        {
            int order = Costs[one].CompareTo(Costs[other]);
            order = order != 0 ? order : Hops[one].CompareTo(Hops[other]);
            order = order != 0 ? order : one.CompareTo(other);
            return order < 0;
        }

        public int Best()
        {
            int best = Nobody;
            for (int at = 0; at < Nodes.Length; at++)
            {
                if (From[at] != Unreached && (best == Nobody || IsBetter(at, best)))
                    best = at;
            }

            return best;
        }

        public int[] Ranking() =>
            [.. Enumerable.Range(0, Nodes.Length).Where(at => From[at] != Unreached).OrderBy(at => Costs[at]).ThenBy(at => Hops[at]).ThenBy(at => at)];
    }
}
