using Swarm.Client;
using Swarm.Kernels.Codecs;
using Swarm.Models;

namespace Swarm.Cli.Measuring;

/// <summary>Runs a text through a model whose hidden states go through codecs at some boundaries, and compares the predictions with the exact ones.</summary>
internal sealed class WireProbe(LanguageModel model, int[] boundaries, TimeProvider time)
{
    /// <summary>Positions that see each other.</summary>
    public const int WindowTokens = 768;

    /// <summary>Tokens of a packet: a prefill's.</summary>
    public const int PacketTokens = 128;

    // Positions whose logits are in memory at once.
    private const int LogitRows = 16;

    private readonly int _hidden = model.Config.Hidden;
    private readonly int _vocabulary = model.Config.Vocabulary;
    private readonly CodecTrial[] _trials = [.. ActivationCodec.All.Select(codec => new CodecTrial(codec, time))];
    private double _exactLoss;
    private long _predicted;

    /// <summary>The text's figures, a codec each.</summary>
    public async Task<CodecFigures[]> RunAsync(int[] ids, Action<int, int> progress, CancellationToken cancellationToken)
    {
        for (int first = 0; first < ids.Length; first += WindowTokens)
        {
            await RunWindowAsync(ids[first..Math.Min(ids.Length, first + WindowTokens)], cancellationToken);
            progress(Math.Min(ids.Length, first + WindowTokens), ids.Length);
        }

        double exact = _exactLoss / _predicted;
        return [.. _trials.Select(trial => trial.Figures(exact))];
    }

    private async Task RunWindowAsync(int[] ids, CancellationToken cancellationToken)
    {
        float[] start = new float[ids.Length * _hidden];
        model.Ends.Embed(ids, 0, start);
        int[] cuts = [0, .. boundaries, model.Config.Blocks];
        await ForwardAsync(start, cuts[0], cuts[1], cancellationToken);
        float[] exact = await RestAsync(start, null);
        float[][] rounded = new float[_trials.Length][];
        for (int trial = 0; trial < _trials.Length; trial++)
            rounded[trial] = await RestAsync(start, _trials[trial]);
        Compare(ids, exact, rounded, cancellationToken);

        async Task<float[]> RestAsync(float[] states, CodecTrial? trial)
        {
            states = [.. states];
            for (int cut = 1; cut < cuts.Length - 1; cut++)
            {
                trial?.Pass(states, _hidden, PacketTokens);
                await ForwardAsync(states, cuts[cut], cuts[cut + 1], cancellationToken);
            }

            return states;
        }
    }

    private async Task ForwardAsync(float[] states, int firstBlock, int endBlock, CancellationToken cancellationToken)
    {
        if (firstBlock == endBlock)
            return;
        int tokens = states.Length / _hidden;
        var options = new ChainSessionOptions
        {
            Blocks = new BlockSpan(firstBlock, endBlock), RoundAt = [], MaxPositions = tokens, ExpectedPositions = tokens,
        };
        await using IChainSession session = await model.Chain.OpenAsync(options, cancellationToken);
        for (int first = 0; first < tokens; first += PacketTokens)
        {
            int count = Math.Min(PacketTokens, tokens - first);
            Memory<float> part = states.AsMemory(first * _hidden, count * _hidden);
            await session.ForwardAsync(part, first, count, OutputRows.All, part, cancellationToken);
        }
    }

    private void Compare(int[] ids, float[] exact, float[][] rounded, CancellationToken cancellationToken)
    {
        float[] logits = new float[LogitRows * _vocabulary];
        double[] exactLogs = new double[logits.Length];
        double[] roundedLogs = new double[_vocabulary];
        for (int first = 0; first < ids.Length; first += LogitRows)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int rows = Math.Min(LogitRows, ids.Length - first);
            ComputeLogits(exact, first, rows, logits);
            for (int row = 0; row < rows; row++)
            {
                Span<double> logs = exactLogs.AsSpan(row * _vocabulary, _vocabulary);
                Normalize(logits.AsSpan(row * _vocabulary, _vocabulary), logs);
                if (first + row + 1 == ids.Length)
                    continue;
                _exactLoss -= logs[ids[first + row + 1]];
                _predicted++;
            }

            for (int trial = 0; trial < _trials.Length; trial++)
            {
                ComputeLogits(rounded[trial], first, rows, logits);
                for (int row = 0; row < rows; row++)
                {
                    Normalize(logits.AsSpan(row * _vocabulary, _vocabulary), roundedLogs);
                    int next = first + row + 1;
                    _trials[trial].Compare(exactLogs.AsSpan(row * _vocabulary, _vocabulary), roundedLogs, next < ids.Length ? ids[next] : null);
                }
            }
        }
    }

    private void ComputeLogits(float[] states, int first, int rows, float[] logits) =>
        model.Ends.Logits(states.AsSpan(first * _hidden, rows * _hidden), rows, logits.AsSpan(0, rows * _vocabulary));

    // Logits to log-probabilities, in double.
    private static void Normalize(ReadOnlySpan<float> logits, Span<double> logs)
    {
        float largest = float.NegativeInfinity;
        foreach (float logit in logits)
            largest = Math.Max(largest, logit);
        double sum = 0;
        foreach (float logit in logits)
            sum += Math.Exp((double)logit - largest);
        double normalizer = Math.Log(sum) + largest;
        for (int index = 0; index < logits.Length; index++)
            logs[index] = logits[index] - normalizer;
    }
}
