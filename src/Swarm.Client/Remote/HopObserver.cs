using Swarm.Protocol.Directory;
using Swarm.Protocol.Wire;

namespace Swarm.Client;

/// <summary>
/// What a session's results tell of its hops' speed: compute time a token and block, over some decode steps at a time, told to the directory, whose
/// snapshot it then outweighs; and beside it what each hop had announced. Belongs to one wiring of a session; not thread-safe.
/// </summary>
internal sealed class HopObserver
{
    /// <summary>Steps that make one figure: a single one says more of chance than of the hop.</summary>
    private const int Steps = 16;

    private const int Figures = 3;

    private readonly IReadOnlyList<ChainHop> _hops;
    private readonly SwarmDirectory _directory;
    private readonly Queue<TimeSpan[]> _figures = [];
    private IReadOnlyList<HopTelemetry>? _from;
    private IReadOnlyList<HopTelemetry>? _before;
    private int _steps;

    public HopObserver(IReadOnlyList<ChainHop> hops, SwarmDirectory directory)
    {
        _hops = hops;
        _directory = directory;
        DirectorySnapshot snapshot = directory.Snapshot;
        Promised = [.. hops.Select(hop => hop.Peer is { } peer && snapshot.Find(peer) is { } node ? TokenTime(node, hop) : TimeSpan.Zero)];
    }

    /// <summary>Time of a token at each hop, waiting included, as announced when the chain was planned; zero: nothing was said.</summary>
    public IReadOnlyList<TimeSpan> Promised { get; }

    /// <summary>The same as measured: the best of the last few figures, so that a moment's load is not taken for slowness; null before there are enough.</summary>
    public IReadOnlyList<TimeSpan>? Measured =>
        _figures.Count < Figures ? null : [.. Enumerable.Range(0, _hops.Count).Select(hop => _figures.Min(figure => figure[hop]))];

    /// <summary>What a node's announcement makes of a token's time over some of its blocks; zero: it says nothing.</summary>
    public static TimeSpan TokenTime(NodeEntry node, ChainHop hop) =>
        node.BlockTime > TimeSpan.Zero ? (node.BlockTime * hop.Blocks.Count) + node.QueueTime : TimeSpan.Zero;

    /// <summary>Time of the blocks alone: nodes announce that, and whoever embeds or chooses is no slower for it.</summary>
    public static ulong BlockMicros(HopTelemetry totals) => totals.ComputeMicros > totals.EndsMicros ? totals.ComputeMicros - totals.EndsMicros : 0;

    /// <summary>Totals of the session after another result, one entry a hop.</summary>
    public void Observe(IReadOnlyList<HopTelemetry> totals)
    {
        // Prefill is bound by arithmetic and says nothing of a token's time: the count begins anew after it.
        bool decode = _before is not null && totals[0].Tokens == _before[0].Tokens + 1;
        _before = totals;
        if (!decode)
        {
            _from = totals;
            _steps = 0;
            return;
        }

        if (++_steps < Steps)
            return;
        var measured = new TimeSpan[_hops.Count];
        for (int index = 0; index < _hops.Count; index++)
        {
            HopTelemetry first = _from![index];
            HopTelemetry last = totals[index];
            if (_hops[index].Peer is not { } peer || last.Tokens <= first.Tokens || BlockMicros(last) <= BlockMicros(first))
                continue;
            double micros = (double)(BlockMicros(last) - BlockMicros(first)) / (last.Tokens - first.Tokens);
            double waited = last.QueueMicros > first.QueueMicros ? (double)(last.QueueMicros - first.QueueMicros) / (last.Tokens - first.Tokens) : 0;
            measured[index] = TimeSpan.FromMicroseconds(Math.Min(micros + waited, TimeSpan.FromHours(1).TotalMicroseconds));
            _directory.Observe(peer, TimeSpan.FromMicroseconds(Math.Min(micros / _hops[index].Blocks.Count, TimeSpan.FromHours(1).TotalMicroseconds)), null);
        }

        _figures.Enqueue(measured);
        if (_figures.Count > Figures)
            _figures.Dequeue();
        _from = totals;
        _steps = 0;
    }
}
