using System.Numerics;
using Swarm.Kernels;

namespace Swarm.Models.Sampling;

/// <summary>
/// Chooses the next token of a sequence. The choice is a function of the options, the logits, the tokens so far and the position, never of earlier
/// calls, so that replay, rollback and speculation choose alike. Holds scratch memory: one thread at a time; no allocation after the first call of a size.
/// </summary>
public sealed class Sampler
{
    // Candidates whose score is further below the highest are less than 1/8000 as probable.
    private const float LikelyDistance = 9;

    private SamplingOptions _options;
    private readonly CandidateHeap _heap = new();
    private float[] _scores = [];
    private float[] _weights = [];
    private int[] _ids = [];
    private int[] _seenAt = [];
    private int _seenStamp;

    /// <exception cref="ModelException"><see cref="ModelError.InvalidArgument"/>: an option out of range.</exception>
    public Sampler(SamplingOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        _options = options;
    }

    /// <summary>How it chooses. Set between two calls where one scratch memory serves several sequences.</summary>
    /// <exception cref="ModelException">On setting, <see cref="ModelError.InvalidArgument"/>: an option out of range.</exception>
    public SamplingOptions Options
    {
        get => _options;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            if (ReferenceEquals(_options, value))
                return;
            value.Validate();
            _options = value;
        }
    }

    /// <summary>Candidates that were put in an order so far: some hundreds a token, of a vocabulary of any size.</summary>
    internal long Ordered { get; private set; }

    /// <summary>The id of the next token.</summary>
    /// <param name="logits">One per token, unchanged by this; minus infinity excludes a token.</param>
    /// <param name="history">The sequence so far, prompt included, for the repetition penalty.</param>
    /// <param name="position">Position of the token to be chosen: with the seed it names the random number.</param>
    /// <remarks>
    /// Repetition penalty (Keskar et al. 2019, "CTRL", section 4.1), temperature, top-k, top-p (Holtzman et al. 2020, section 3.1), min-p (Nguyen et al.
    /// 2024, section 3), in the order in which transformers applies them. Probabilities come from the kernels' exp; sums are in double, in a fixed order.
    /// </remarks>
    /// <exception cref="ModelException"><see cref="ModelError.InvalidArgument"/>: a logit that is NaN or plus infinity, none that is finite, or a token of
    /// <paramref name="history"/> outside <paramref name="logits"/>.</exception>
    public int Sample(ReadOnlySpan<float> logits, ReadOnlySpan<int> history, long position)
    {
        float highest = CheckedMaximum(logits);
        if (_options.RepeatPenalty == 1 && _options.Temperature == 0)
            return FirstOf(logits, highest);
        Reserve(logits.Length);
        Span<float> scores = _scores.AsSpan(0, logits.Length);
        logits.CopyTo(scores);
        Penalize(scores, history);
        if (_options.Temperature == 0)
            return FirstOf(scores, CheckedMaximum(scores));
        Divide(scores, _options.Temperature);

        // A tiny temperature may push scores to infinity; the differences decide then no more than greedy would.
        highest = Maximum(scores, out _);
        if (float.IsInfinity(highest))
            return FirstOf(logits, CheckedMaximum(logits));
        double target = CounterRandom.Uniform(_options.Seed, position);
        return _options.TopK == 0 && _options.TopP == 1 ? DrawFromAll(scores, highest, target) : DrawFromBest(scores, highest, target);
    }

    private void Reserve(int count)
    {
        if (_scores.Length >= count)
            return;
        _scores = new float[count];
        _weights = new float[count];
        _ids = new int[count];
        _seenAt = new int[count];
        _seenStamp = 0;
        _heap.Reserve(count);
    }

    private static float CheckedMaximum(ReadOnlySpan<float> logits)
    {
        float highest = Maximum(logits, out bool ordered);
        if (ordered && float.IsFinite(highest))
            return highest;
        for (int id = 0; id < logits.Length; id++)
            if (float.IsNaN(logits[id]) || float.IsPositiveInfinity(logits[id]))
                throw new ModelException(ModelError.InvalidArgument, FormattableString.Invariant($"Logit of token {id} is {logits[id]}; expected a finite number."));
        throw new ModelException(ModelError.InvalidArgument, $"None of {logits.Length} logits is finite.");
    }

    /// <summary>The highest score; <paramref name="ordered"/> is false where one is NaN.</summary>
    private static float Maximum(ReadOnlySpan<float> scores, out bool ordered)
    {
        float highest = float.NegativeInfinity;
        ordered = true;
        int i = 0;
        if (scores.Length >= Vector<float>.Count)
        {
            var best = new Vector<float>(float.NegativeInfinity);
            Vector<int> equal = Vector<int>.AllBitsSet;
            for (; i <= scores.Length - Vector<float>.Count; i += Vector<float>.Count)
            {
                var some = new Vector<float>(scores[i..]);
                equal &= Vector.Equals(some, some);
                best = Vector.ConditionalSelect(Vector.GreaterThan(some, best), some, best);
            }

            ordered = Vector.EqualsAll(equal, Vector<int>.AllBitsSet);
            for (int lane = 0; lane < Vector<float>.Count; lane++)
                highest = best[lane] > highest ? best[lane] : highest;
        }

        for (; i < scores.Length; i++)
        {
            ordered &= !float.IsNaN(scores[i]);
            highest = scores[i] > highest ? scores[i] : highest;
        }

        return highest;
    }

    private static void Divide(Span<float> scores, float divisor)
    {
        int i = 0;
        var divisors = new Vector<float>(divisor);
        for (; i <= scores.Length - Vector<float>.Count; i += Vector<float>.Count)
            (new Vector<float>(scores[i..]) / divisors).CopyTo(scores[i..]);
        for (; i < scores.Length; i++)
            scores[i] /= divisor;
    }

    private static int FirstOf(ReadOnlySpan<float> scores, float value)
    {
        int id = 0;
        while (scores[id] != value)
            id++;
        return id;
    }

    private void Penalize(Span<float> scores, ReadOnlySpan<int> history)
    {
        float penalty = _options.RepeatPenalty;
        if (penalty == 1)
            return;
        if (_options.RepeatLastN is { } last && last < history.Length)
            history = history[^last..];

        // A token counts once however often it was seen: the stamp tells whether this call has met it.
        if (++_seenStamp == int.MaxValue)
        {
            Array.Clear(_seenAt);
            _seenStamp = 1;
        }

        foreach (int id in history)
        {
            if ((uint)id >= (uint)scores.Length)
                throw new ModelException(ModelError.InvalidArgument, $"Token {id} of the history is outside the {scores.Length} logits.");
            if (_seenAt[id] == _seenStamp)
                continue;
            _seenAt[id] = _seenStamp;
            scores[id] = scores[id] < 0 ? scores[id] * penalty : scores[id] / penalty;
        }
    }

    /// <summary>Draws in order of ids; only min-p excludes.</summary>
    private int DrawFromAll(ReadOnlySpan<float> scores, float highest, double target)
    {
        Span<float> weights = _weights.AsSpan(0, scores.Length);
        double total = 0;
        for (int id = 0; id < scores.Length; id++)
        {
            float weight = KernelMath.Exp(scores[id] - highest);
            weights[id] = weight >= _options.MinP ? weight : 0;
            total += weights[id];
        }

        return Draw(weights, target * total);
    }

    /// <summary>Draws from the best in descending order, equal ones by id.</summary>
    private int DrawFromBest(ReadOnlySpan<float> scores, float highest, double target)
    {
        float least = _options.TopK > 0 && _options.TopK < scores.Length ? _heap.NthHighest(scores, _options.TopK) : float.NegativeInfinity;
        double reach = _options.TopP == 1 ? double.PositiveInfinity : _options.TopP * Total(scores, least, highest);

        // Nearly always the likely candidates suffice; the others are put in order only when those are used up.
        float likely = Math.Max(least, highest - LikelyDistance);
        double sum = 0;
        int kept = 0;
        bool open = Take(scores, likely, float.PositiveInfinity, highest, reach, ref sum, ref kept);
        if (open && likely > least)
            Take(scores, least, likely, highest, reach, ref sum, ref kept);
        return _ids[Draw(_weights.AsSpan(0, kept), target * sum)];
    }

    // Σ weights of the scores from least on, in order of ids.
    private static double Total(ReadOnlySpan<float> scores, float least, float highest)
    {
        double total = 0;
        foreach (float score in scores)
        {
            if (score >= least && !float.IsNegativeInfinity(score))
                total += KernelMath.Exp(score - highest);
        }

        return total;
    }

    /// <summary>Keeps candidates with scores in [from, below), the highest first, until their weights reach; returns whether it takes more of them.</summary>
    private bool Take(ReadOnlySpan<float> scores, float from, float below, float highest, double reach, ref double sum, ref int kept)
    {
        _heap.Clear();
        for (int id = 0; id < scores.Length; id++)
        {
            if (scores[id] >= from && scores[id] < below && !float.IsNegativeInfinity(scores[id]))
                _heap.Append(scores[id], id);
        }

        Ordered += _heap.Count;
        _heap.Order();
        while (_heap.Count > 0 && sum < reach)
        {
            int id = _heap.TakeHighest();
            float weight = KernelMath.Exp(scores[id] - highest);
            if (weight < _options.MinP)
                return false;
            _ids[kept] = id;
            _weights[kept++] = weight;
            sum += weight;
        }

        return sum < reach;
    }

    /// <summary>The first index at which the running sum passes <paramref name="target"/>; rounding at the very end falls to the last that has weight.</summary>
    private static int Draw(ReadOnlySpan<float> weights, double target)
    {
        double sum = 0;
        int last = 0;
        for (int i = 0; i < weights.Length; i++)
        {
            if (weights[i] == 0)
                continue;
            sum += weights[i];
            last = i;
            if (sum > target)
                break;
        }

        return last;
    }
}
