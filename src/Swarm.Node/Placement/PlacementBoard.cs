using Swarm.Models;

namespace Swarm.Node.Placement;

/// <summary>
/// Working copy of a snapshot, on which moves are tried: the level of each block (the sum of its replicas' weights, meant ones included) and how many serve it now and will keep it.
/// </summary>
internal sealed class PlacementBoard
{
    // Below every weight: what subtraction leaves of an empty block.
    private const double Empty = 1e-6;

    // Keeps the value of an empty block finite; a small part of a median replica.
    private const double Softening = 0.05;

    private readonly double[] _level;
    private readonly int[] _keepers;
    private readonly double[] _liftBefore;
    private readonly int[] _holesBefore;

    public PlacementBoard(int blocks)
    {
        _level = new double[blocks];
        _keepers = new int[blocks];
        _liftBefore = new double[blocks + 1];
        _holesBefore = new int[blocks + 1];
    }

    public int Blocks => _level.Length;

    /// <summary>The weakest block's level.</summary>
    public double Weakest
    {
        get
        {
            double weakest = double.MaxValue;
            foreach (double level in _level)
                weakest = Math.Min(weakest, level);
            return weakest < Empty ? 0 : weakest;
        }
    }

    /// <summary>The mean level of the blocks.</summary>
    public double Mean => _level.Sum() / _level.Length;

    /// <summary>The first of the blocks with the lowest level.</summary>
    public int FirstWeakest
    {
        get
        {
            int first = 0;
            for (int block = 1; block < _level.Length; block++)
                first = _level[block] < _level[first] - Empty ? block : first;
            return first;
        }
    }

    /// <summary>The board with everybody where it is counted; joiners that have not confirmed are nowhere yet.</summary>
    /// <param name="snapshot">What is seen.</param>
    /// <param name="believed">Whether an intent that is not confirmed is counted as if it were carried out.</param>
    public static PlacementBoard Of(PlacementSnapshot snapshot, Func<PlacementNode, bool> believed)
    {
        var board = new PlacementBoard(snapshot.ModelBlocks);
        foreach (PlacementNode node in snapshot.Nodes)
        {
            if (Counted(node, believed) is { } span)
                board.Add(span, snapshot.Weights.Of(node, span));
            board.Keep(node, 1);
        }

        return board;
    }

    /// <summary>Where a node is counted.</summary>
    public static BlockSpan? Counted(PlacementNode node, Func<PlacementNode, bool> believed) => node.State switch
    {
        PlacementState.Leaving => null,
        _ when node.Intent is { } intent && (node.IntentConfirmed || believed(node)) => intent,
        PlacementState.Serving => node.Blocks,
        _ => null,
    };

    public void Add(BlockSpan span, double weight)
    {
        for (int block = span.Start; block < span.End; block++)
            _level[block] += weight;
    }

    public void Remove(BlockSpan span, double weight) => Add(span, -weight);

    /// <summary>Counts, or with −1 takes back, what a node serves and will go on to serve.</summary>
    public void Keep(PlacementNode node, int change)
    {
        if (node.State != PlacementState.Serving)
            return;
        for (int block = node.Blocks.Start; block < node.Blocks.End; block++)
        {
            if (node.Intent is not { } intent || intent.Contains(block))
                _keepers[block] += change;
        }
    }

    /// <summary>Nodes that serve the block now and will keep it.</summary>
    public int Keepers(int block) => _keepers[block];

    /// <summary>Blocks given up are no longer kept.</summary>
    public void Vacate(PlacementMove move)
    {
        foreach (BlockSpan span in move.Drops)
        {
            for (int block = span.Start; block < span.End; block++)
                _keepers[block]--;
        }
    }

    /// <summary>The worth of a replica of this weight that is not on the board.</summary>
    public PlacementValue ValueOf(BlockSpan span, double weight)
    {
        int holes = 0;
        double lift = 0;
        for (int block = span.Start; block < span.End; block++)
        {
            holes += _level[block] < Empty ? 1 : 0;
            lift += Lift(_level[block], weight);
        }

        return new PlacementValue(holes, lift);
    }

    /// <summary>The best start in [first, last] for a replica that is not on the board; of equals the nearest to <paramref name="near"/>, then the first.</summary>
    public (int Start, PlacementValue Value) Best(int length, double weight, int first, int last, int near)
    {
        for (int block = 0; block < _level.Length; block++)
        {
            _liftBefore[block + 1] = _liftBefore[block] + Lift(_level[block], weight);
            _holesBefore[block + 1] = _holesBefore[block] + (_level[block] < Empty ? 1 : 0);
        }

        int best = first;
        PlacementValue bestValue = Window(first);
        for (int start = first + 1; start <= last; start++)
        {
            PlacementValue value = Window(start);
            bool better = value.Exceeds(bestValue, 0) || (!bestValue.Exceeds(value, 0) && Math.Abs(start - near) < Math.Abs(best - near));
            if (better)
                (best, bestValue) = (start, value);
        }

        return (best, bestValue);

        PlacementValue Window(int start) => new(_holesBefore[start + length] - _holesBefore[start], _liftBefore[start + length] - _liftBefore[start]);
    }

    /// <summary>
    /// The move that gains most, if one gains enough: blocks that nobody else keeps stay in the span, and no block sinks below the swarm's weakest. The board is left as it was.
    /// </summary>
    public PlacementMove? Improve(BlockSpan from, double weightNow, int length, double weightThen, double leastGain)
    {
        double weakest = Weakest;
        Remove(from, weightNow);
        int first = 0;
        int last = Blocks - length;
        for (int block = from.Start; block < from.End; block++)
        {
            if (_keepers[block] > 1 && (weakest == 0 || _level[block] > weakest - Empty))
                continue;
            // The block stays: the span begins at it or before, and ends behind it.
            first = Math.Max(first, block + 1 - length);
            last = Math.Min(last, block);
        }

        PlacementMove? move = null;
        if (first <= last)
        {
            (int start, PlacementValue value) = Best(length, weightThen, first, last, from.Start);
            var to = new BlockSpan(start, start + length);
            if (to != from && value.Exceeds(ValueOf(from, weightNow), leastGain))
                move = new PlacementMove(from, to);
        }

        Add(from, weightNow);
        return move;
    }

    /// <summary>Whether a move still gains enough and lets no block sink below the swarm's weakest. The board is left as it was.</summary>
    public bool Gains(PlacementMove move, double weightNow, double weightThen, double leastGain)
    {
        double weakest = Weakest;
        Remove(move.From, weightNow);
        bool gains = ValueOf(move.To, weightThen).Exceeds(ValueOf(move.From, weightNow), leastGain);
        foreach (BlockSpan span in move.Drops)
        {
            for (int block = span.Start; block < span.End; block++)
                gains &= weakest == 0 || _level[block] > weakest - Empty;
        }

        Add(move.From, weightNow);
        return gains;
    }

    private static double Lift(double level, double weight)
    {
        double softened = Math.Max(0, level) + Softening;
        return weight / (softened * (softened + weight));
    }
}
