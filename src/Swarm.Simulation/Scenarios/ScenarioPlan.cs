using Swarm.Client;
using Swarm.Models;
using Swarm.Protocol;

namespace Swarm.Simulation;

/// <summary>All that a seed decides before a run: nodes, clients, weather and faults. A pure function of the seed and the options.</summary>
public sealed class ScenarioPlan
{
    private readonly SeededRandomSource _random;
    private readonly List<PlannedFault> _faults = [];

    private ScenarioPlan(ulong seed, SimulationOptions options, int blocks)
    {
        Seed = seed;
        Blocks = blocks;
        Length = options.Length;
        _random = new SeededRandomSource(seed ^ 0x2545F4914F6CDD1D);
        Spans = DrawSpans(options.Nodes ?? 5 + Below(4));
        Clients = 1 + Below(3);
        Weather = new Weather
        {
            Delay = (TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(2 + Below(40))),
            Jitter = _random.NextDouble(),
            Loss = Chance(0.3) ? 0.02 * _random.NextDouble() : 0,
            Repeats = Chance(0.3) ? 0.05 * _random.NextDouble() : 0,
            BytesPerSecond = Chance(0.2) ? 2e6 : 0,
        };
        Skews = [.. Enumerable.Range(0, Spans.Count).Select(_ => Chance(0.2) ? TimeSpan.FromSeconds(Below(600) - 300) : TimeSpan.Zero)];
        Rates = [.. Enumerable.Range(0, Spans.Count).Select(_ => Chance(0.2) ? 0.99 + (0.02 * _random.NextDouble()) : 1)];
        DrawFaults([.. options.Faults.Order()], options.MeanGap);
        Ends = [.. Enumerable.Range(0, Clients).Select(_ => Chance(options.ThinClients) ? EndsMode.Swarm : EndsMode.Local)];
    }

    public ulong Seed { get; }

    public int Blocks { get; }

    /// <summary>How long clients begin new generations.</summary>
    public TimeSpan Length { get; }

    /// <summary>What each node serves.</summary>
    public IReadOnlyList<BlockSpan> Spans { get; }

    public IReadOnlyList<TimeSpan> Skews { get; }

    public IReadOnlyList<double> Rates { get; }

    public int Clients { get; }

    /// <summary>Where each client has the model's ends.</summary>
    public IReadOnlyList<EndsMode> Ends { get; }

    public Weather Weather { get; }

    /// <summary>By time.</summary>
    public IReadOnlyList<PlannedFault> Faults => _faults;

    public static ScenarioPlan Draw(ulong seed, SimulationOptions options, int blocks) => new(seed, options, blocks);

    /// <summary>Whether some block had no node that could be counted on, at any time between two.</summary>
    /// <param name="from">The first.</param>
    /// <param name="to">The other.</param>
    /// <param name="absences">When nodes were not there: who comes back while others are gone as well takes longer than planned.</param>
    public bool IsUncovered(TimeSpan from, TimeSpan to, IReadOnlyList<(int Node, TimeSpan From, TimeSpan To)> absences)
    {
        IEnumerable<TimeSpan> begins = _faults.Select(fault => fault.At).Concat(absences.Select(absence => absence.From));
        foreach (TimeSpan time in begins.Where(at => at > from && at < to).Prepend(from))
        {
            if (!IsCovered(_faults, time, time, absences.Where(absence => absence.From <= time && absence.To >= time).Select(absence => absence.Node)))
                return true;
        }

        return false;
    }

    /// <summary>Whether no fault ever touches the node.</summary>
    public bool IsSpared(int node) => !_faults.Any(fault => fault.Kind != SimulatedFault.ClientLoss && (fault.Node == node || fault.Other == node));

    private bool IsCovered(IEnumerable<PlannedFault> faults, TimeSpan from, TimeSpan to, IEnumerable<int> absent)
    {
        HashSet<int> disabled = [.. faults.Where(fault => fault.Disables && fault.At <= to && fault.Over >= from).Select(fault => fault.Node), .. absent];
        for (int block = 0; block < Blocks; block++)
        {
            if (!Enumerable.Range(0, Spans.Count).Any(node => !disabled.Contains(node) && Spans[node].Contains(block)))
                return false;
        }

        return true;
    }

    // Two ways to divide the blocks, and more nodes anywhere: each block has two nodes or more.
    private List<BlockSpan> DrawSpans(int nodes)
    {
        var spans = new List<BlockSpan>();
        int parts = Math.Max(1, nodes / 2);
        for (int layer = 0; layer < 2; layer++)
        {
            int count = Math.Min(layer == 0 ? parts : Math.Max(1, Math.Min(parts, nodes - parts)), Blocks);
            int start = 0;
            for (int part = 0; part < count; part++)
            {
                int left = count - part - 1;
                int end = left == 0 ? Blocks : Math.Clamp(((part + 1) * Blocks / count) + Below(2) - layer, start + 1, Blocks - left);
                spans.Add(new BlockSpan(start, end));
                start = end;
            }
        }

        while (spans.Count < nodes)
        {
            int start = Below(Blocks);
            spans.Add(new BlockSpan(start, Math.Min(Blocks, start + 1 + Below(Blocks / 2))));
        }

        return spans;
    }

    private void DrawFaults(SimulatedFault[] kinds, TimeSpan meanGap)
    {
        if (kinds.Length == 0)
            return;
        TimeSpan at = TimeSpan.Zero;
        while (true)
        {
            // Every fourth comes right upon the one before it: two at once, or one during the recovery from the other.
            at += Chance(0.25) ? TimeSpan.FromSeconds(_random.NextDouble() * 0.5) : meanGap * (2 * _random.NextDouble());
            if (at >= Length)
                return;
            for (int attempt = 0; attempt < 8; attempt++)
            {
                PlannedFault fault = Draw(kinds[Below(kinds.Length)], at);
                if (!Fits(fault))
                    continue;
                _faults.Add(fault);
                break;
            }
        }
    }

    private PlannedFault Draw(SimulatedFault kind, TimeSpan at)
    {
        int node = Below(Spans.Count);
        int other = Below(Spans.Count + Clients - 1);
        other += other >= node ? 1 : 0;
        return kind switch
        {
            SimulatedFault.Kill or SimulatedFault.PowerLoss => new(at, Seconds(0.5, 6), kind, node),
            SimulatedFault.Freeze => new(at, Seconds(0.2, 6), kind, node),
            SimulatedFault.Slow => new(at, Seconds(1, 8), kind, node),
            SimulatedFault.Leave => new(at, Seconds(2, 6), kind, node),
            SimulatedFault.Partition or SimulatedFault.OneWay => new(at, Seconds(0.2, 8), kind, node, other),
            SimulatedFault.Cut => new(at, TimeSpan.Zero, kind, node, other),
            SimulatedFault.Corruption => new(at, Seconds(0.2, 1), kind, node),
            _ => new(at, TimeSpan.Zero, kind, Below(Clients)),
        };
    }

    // A node has one fault at a time, and mostly each block keeps a node that can be counted on; now and then it does not.
    private bool Fits(PlannedFault fault)
    {
        if (fault.Kind == SimulatedFault.ClientLoss)
            return !_faults.Any(before => before.Kind == fault.Kind && before.Node == fault.Node);
        if (_faults.Any(before => before.Kind != SimulatedFault.ClientLoss && before.Over >= fault.At && (Touches(before, fault.Node) || Touches(before, fault.Other))))
            return false;
        return IsCovered([.. _faults, fault], fault.At, fault.Over, []) || (fault.Kind != SimulatedFault.Corruption && Chance(0.02));
    }

    private static bool Touches(PlannedFault fault, int process) => process >= 0 && (fault.Node == process || fault.Other == process);

    private TimeSpan Seconds(double least, double most) => TimeSpan.FromSeconds(least + ((most - least) * _random.NextDouble()));

    private int Below(int count) => (int)(_random.NextUInt64() % (ulong)count);

    private bool Chance(double share) => _random.NextDouble() < share;
}
