using Swarm.Kernels.Codecs;
using Swarm.Models.Blocks;
using Swarm.Models.Sampling;

namespace Swarm.Node.SwarmEnds;

/// <summary>
/// Step 12 at the last hop: final norm, head and sampler for the rows of a pass, whosever they are. Rows are independent, so what is chosen does not depend on who shares the
/// pass. Runs in the device's thread; nothing is allocated once the largest pass has been seen.
/// </summary>
internal sealed class HeadPass(int hidden)
{
    /// <summary>Rows that share one reading of the head.</summary>
    public const int MostRows = 32;

    private readonly Sampler _sampler = new(SamplingOptions.Greedy);
    private float[] _rows = [];
    private float[] _logits = [];
    private int _vocabulary;

    /// <summary>Rows taken since the last <see cref="Clear"/>.</summary>
    public int Rows { get; private set; }

    /// <summary>Tokens chosen so far.</summary>
    public long Chosen { get; private set; }

    /// <summary>Begins anew.</summary>
    public void Clear() => Rows = 0;

    /// <summary>Takes the hidden state [hidden] after the last block, rounded as it would be on the way to a client.</summary>
    public void Add(ReadOnlySpan<float> row, ActivationCodec codec)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(Rows, MostRows);
        if (_rows.Length < (Rows + 1) * hidden)
            Array.Resize(ref _rows, Math.Max(Rows + 1, Math.Min(2 * Rows, MostRows)) * hidden);
        Span<float> place = _rows.AsSpan(Rows * hidden, hidden);
        row.CopyTo(place);
        codec.Round(place, 1, hidden);
        Rows++;
    }

    /// <summary>Computes the logits of all rows.</summary>
    public void Compute(ModelEnds ends)
    {
        _vocabulary = ends.Config.Vocabulary;
        int values = Rows * _vocabulary;
        if (_logits.Length < values)
            _logits = new float[values];
        ends.Logits(_rows.AsSpan(0, Rows * hidden), Rows, _logits.AsSpan(0, values));
    }

    /// <summary>Chooses the token that follows a row.</summary>
    /// <param name="row">In the order of <see cref="Add"/>.</param>
    /// <param name="sampling">The session's.</param>
    /// <param name="history">The session's ids, the row's own included.</param>
    /// <exception cref="Models.ModelException">InvalidArgument: the logits are not finite.</exception>
    public int Choose(int row, SamplingOptions sampling, ReadOnlySpan<int> history)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(row, Rows);
        _sampler.Options = sampling;
        int chosen = _sampler.Sample(_logits.AsSpan(row * _vocabulary, _vocabulary), history, history.Length);
        Chosen++;
        return chosen;
    }
}
