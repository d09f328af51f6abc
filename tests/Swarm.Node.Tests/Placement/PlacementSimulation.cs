using Swarm.Models;
using Swarm.Node.Placement;
using Swarm.Protocol;

namespace Swarm.Node.Tests.Placement;

/// <summary>
/// Nodes that place themselves by the real rules in virtual time, each by its own late view of the others. A seed gives everything that happens; nothing else does.
/// </summary>
internal sealed class PlacementSimulation
{
    private static readonly TimeSpan s_poll = TimeSpan.FromSeconds(0.4);
    private static readonly DateTimeOffset s_epoch = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly List<SimulatedNode> _nodes = [];
    private readonly PriorityQueue<Action, (TimeSpan Time, long Order)> _events = new();
    private readonly SortedDictionary<TimeSpan, PlacementSnapshot> _common = [];
    private long _scheduled;
    private bool _changed = true;
    private bool _photographing;

    public PlacementSimulation(ulong seed, int blocks)
    {
        Seed = seed;
        Blocks = blocks;
        Random = new SeededRandomSource(seed);
    }

    public ulong Seed { get; }

    public int Blocks { get; }

    public SeededRandomSource Random { get; }

    public TimeSpan Now { get; private set; }

    public IReadOnlyList<SimulatedNode> Nodes => _nodes;

    /// <summary>How late news of others is.</summary>
    public (double Least, double Most) DelaySeconds { get; init; } = (0.2, 1.5);

    /// <summary>How long after its death a node is still in others' views.</summary>
    public (double Least, double Most) DetectionSeconds { get; init; } = (2, 12);

    /// <summary>Time to load a block.</summary>
    public (double Least, double Most) LoadSeconds { get; init; } = (0.1, 0.4);

    /// <summary>
    /// Whether nodes share views of the whole swarm of some moment (for thousands of nodes); else each hears of each other one after its own delay.
    /// </summary>
    public bool CommonViews { get; init; }

    /// <summary>Moves that left a block without any replica although the last other one had not just died.</summary>
    public List<string> HolesOpened { get; } = [];

    /// <summary>When a span last changed.</summary>
    public TimeSpan LastMove { get; private set; }

    public int Moves { get; private set; }

    public int Yields { get; private set; }

    public int GivenUp { get; private set; }

    public double Draw((double Least, double Most) range) => range.Least + Random.NextDouble() * (range.Most - range.Least);

    /// <summary>Adds a node that joins after some seconds.</summary>
    public SimulatedNode Join(int capacity, double speed, double measured, double afterSeconds = 0)
    {
        SimulatedNode node = Make(capacity, speed, measured, new PlacementNode(Placement.Nodes.Peer(_nodes.Count + (int)(Seed % 1000) * 100_000), PlacementState.Joining, default));
        At(afterSeconds, () => Choose(node, 0));
        return node;
    }

    /// <summary>Adds a node that serves already.</summary>
    public SimulatedNode Serve(BlockSpan blocks, int capacity, double speed, double measured)
    {
        SimulatedNode node = Make(capacity, speed, measured, new PlacementNode(Placement.Nodes.Peer(_nodes.Count + (int)(Seed % 1000) * 100_000), PlacementState.Serving, blocks));
        Announce(node, node.Truth);
        Think(node);
        return node;
    }

    /// <summary>Kills a node; its blocks are gone at once, and from the views of others a little later.</summary>
    public void Kill(SimulatedNode node)
    {
        node.DiedAt = Now;
        double detection = Draw(DetectionSeconds);
        At(detection, () =>
        {
            node.Announced.Add((Now, null));
            _changed = true;
        });
    }

    /// <summary>A node measures its speed anew and announces it.</summary>
    public void Measure(SimulatedNode node, double measured) => Announce(node, node.Truth with { BlockTokensPerSecond = measured });

    /// <summary>Runs so many seconds.</summary>
    public void Run(double seconds, Action? each = null)
    {
        TimeSpan end = Now + TimeSpan.FromSeconds(seconds);
        if (CommonViews)
            Photograph();
        while (_events.TryPeek(out _, out (TimeSpan Time, long) next) && next.Time <= end)
        {
            Now = next.Time;
            _events.Dequeue()();
            each?.Invoke();
        }

        Now = end;
    }

    /// <summary>Replicas a block that live now.</summary>
    public int[] Replicas()
    {
        int[] replicas = new int[Blocks];
        foreach (SimulatedNode node in _nodes.Where(node => node.Serves))
        {
            for (int block = node.Truth.Blocks.Start; block < node.Truth.Blocks.End; block++)
                replicas[block]++;
        }

        return replicas;
    }

    /// <summary>Tokens a second of the weakest block: of each replica its true speed over its span.</summary>
    public double Throughput()
    {
        double[] level = new double[Blocks];
        foreach (SimulatedNode node in _nodes.Where(node => node.Serves))
        {
            for (int block = node.Truth.Blocks.Start; block < node.Truth.Blocks.End; block++)
                level[block] += node.Speed / node.Truth.Blocks.Count;
        }

        return level.Min();
    }

    /// <summary>No placement has more: the weakest block is at most the mean, and the mean of all blocks is the sum of all speeds over the blocks, whatever the spans.</summary>
    public double ThroughputBound() => _nodes.Where(node => node.DiedAt is null).Sum(node => node.Speed) / Blocks;

    public override string ToString() =>
        $"seed {Seed}, {Now.TotalSeconds:F1} s, {Moves} moves, {Yields} yields, {GivenUp} given up, last move {LastMove.TotalSeconds:F1} s, replicas {string.Join(' ', Replicas())}, "
        + string.Join(' ', _nodes.Take(20).Select(node => node.Truth.Blocks + (node.Truth.Intent is { } intent ? ">" + intent : "")));

    public void At(double seconds, Action action) => _events.Enqueue(action, (Now + TimeSpan.FromSeconds(seconds), _scheduled++));

    private SimulatedNode Make(int capacity, double speed, double measured, PlacementNode truth)
    {
        var node = new SimulatedNode(_nodes.Count, speed) { Truth = truth with { Capacity = capacity, BlockTokensPerSecond = measured } };
        _nodes.Add(node);
        return node;
    }

    // A change that others hear of later.
    private void Announce(SimulatedNode node, PlacementNode truth)
    {
        node.Truth = truth;
        node.Announced.Add((Now, truth));
        _changed = true;
    }

    private void Choose(SimulatedNode node, int round)
    {
        if (node.DiedAt is not null)
            return;
        BlockSpan chosen = PlacementRule.Choose(View(node), node.Truth);
        if (node.Truth.Intent == chosen || round > PlacementRule.MostRounds)
        {
            chosen = node.Truth.Intent!.Value;
            Announce(node, node.Truth with { IntentConfirmed = true });
            At(chosen.Count * Draw(LoadSeconds), () =>
            {
                Announce(node, node.Truth with { State = PlacementState.Serving, Blocks = chosen, Intent = null, IntentConfirmed = false });
                Think(node);
            });
            return;
        }

        Announce(node, node.Truth with { Intent = chosen });
        At(RebalanceRule.Turn.TotalSeconds, () => Choose(node, round + 1));
    }

    private void Think(SimulatedNode node) => At(1 + Random.NextDouble(), () =>
    {
        if (node.DiedAt is not null)
            return;
        if (RebalanceRule.Propose(View(node), node.Truth, node.History, s_epoch + Now) is not { } move)
        {
            Think(node);
            return;
        }

        Announce(node, node.Truth with { Intent = move.To });
        Confirm(node, move, Now);
    });

    private void Confirm(SimulatedNode node, PlacementMove move, TimeSpan since) => At(s_poll.TotalSeconds, () =>
    {
        if (node.DiedAt is not null)
            return;
        switch (RebalanceRule.Confirm(View(node), node.Truth, move, Now - since, s_epoch + Now))
        {
            case MoveVerdict.Wait:
                Confirm(node, move, since);
                break;
            case MoveVerdict.Yield:
                Yields++;
                Announce(node, node.Truth with { Intent = null });
                Think(node);
                break;
            default:
                Announce(node, node.Truth with { IntentConfirmed = true });
                At(move.LoadCount * Draw(LoadSeconds), () => Drop(node, move, Now));
                break;
        }
    });

    private void Drop(SimulatedNode node, PlacementMove move, TimeSpan since)
    {
        if (node.DiedAt is not null)
            return;
        bool may = RebalanceRule.MayDrop(View(node), node.Truth, move);
        if (!may && Now - since < RebalanceRule.LongestWait)
        {
            At(s_poll.TotalSeconds, () => Drop(node, move, since));
            return;
        }

        node.History = node.History.Moved(s_epoch + Now);
        node.Moves++;
        if (may)
        {
            Moves++;
            LastMove = Now;
            Announce(node, node.Truth with { Blocks = move.To, Intent = null, IntentConfirmed = false });
            LookForHoles(node, move);
        }
        else
        {
            GivenUp++;
            Announce(node, node.Truth with { Intent = null, IntentConfirmed = false });
        }

        Think(node);
    }

    private void LookForHoles(SimulatedNode mover, PlacementMove move)
    {
        // Who counted on one that has just died could not know.
        var unknown = TimeSpan.FromSeconds(DetectionSeconds.Most + DelaySeconds.Most);
        foreach (BlockSpan span in move.Drops)
        {
            for (int block = span.Start; block < span.End; block++)
            {
                if (!_nodes.Exists(node => node.Truth.State == PlacementState.Serving && node.Truth.Blocks.Contains(block) && (node.DiedAt is not { } died || Now - died < unknown)))
                    HolesOpened.Add($"node {mover.Index} left block {block} empty at {Now.TotalSeconds:F1} s, moving from {move}");
            }
        }
    }

    private PlacementSnapshot View(SimulatedNode viewer)
    {
        if (CommonViews)
        {
            TimeSpan seen = TimeSpan.FromMilliseconds(100 * Math.Max(0, Math.Floor((Now.TotalSeconds - Draw(DelaySeconds)) * 10)));
            return _common.TryGetValue(seen, out PlacementSnapshot? snapshot) ? snapshot : _common.Values.Last();
        }

        return new PlacementSnapshot(Blocks, _nodes.Where(node => node != viewer).Select(node => node.At(Now - viewer.DelayOf(node, this))).OfType<PlacementNode>());
    }

    // What the swarm announces, ten times a second, for a while.
    private void Photograph()
    {
        if (_changed || _common.Count == 0)
        {
            var snapshot = new PlacementSnapshot(Blocks, _nodes.Select(node => node.Announced.Count == 0 ? null : node.Announced[^1].Node).OfType<PlacementNode>());
            _common[Rounded(Now)] = snapshot;
            _changed = false;
        }
        else
        {
            _common[Rounded(Now)] = _common.Values.Last();
        }

        TimeSpan old = Rounded(Now) - TimeSpan.FromSeconds(DelaySeconds.Most + 1);
        while (_common.Count > 1 && _common.Keys.First() < old)
            _common.Remove(_common.Keys.First());
        if (_photographing)
            return;
        _photographing = true;
        Again();

        void Again() => At(0.1, () =>
        {
            Photograph();
            Again();
        });
    }

    private static TimeSpan Rounded(TimeSpan time) => TimeSpan.FromMilliseconds(100 * Math.Round(time.TotalMilliseconds / 100));
}
