using Swarm.Client;

namespace Swarm.Cli.Measuring;

/// <summary>Times prefill and decode of one session with fixed ids: what the numbers are does not change the time.</summary>
internal sealed class DecodeProbe : IAsyncDisposable
{
    private readonly LanguageModel _model;
    private readonly IChainSession _session;
    private readonly TimeProvider _time;
    private readonly int[] _prompt;
    private readonly float[] _hidden;
    private readonly float[] _logits;

    private DecodeProbe(LanguageModel model, IChainSession session, int promptTokens, TimeProvider time)
    {
        _model = model;
        _session = session;
        _time = time;
        _prompt = [.. Enumerable.Range(0, promptTokens).Select(i => (int)(i * 7919L % model.Config.Vocabulary))];
        _hidden = new float[promptTokens * model.Config.Hidden];
        _logits = new float[model.Config.Vocabulary];
    }

    public static async Task<DecodeProbe> OpenAsync(
        LanguageModel model, int promptTokens, int steps, TimeProvider time, CancellationToken cancellationToken)
    {
        int positions = promptTokens + steps;
        IChainSession session = await model.Chain.OpenAsync(
            new ChainSessionOptions { MaxPositions = positions, ExpectedPositions = positions }, cancellationToken);
        return new DecodeProbe(model, session, promptTokens, time);
    }

    /// <summary>Seconds that the prompt takes, from empty caches to the logits of its last token.</summary>
    public async Task<double> PrefillAsync(CancellationToken cancellationToken)
    {
        long start = _time.GetTimestamp();
        _model.Ends.Embed(_prompt, 0, _hidden);
        await _session.ForwardAsync(_hidden, 0, _prompt.Length, OutputRows.Last, _hidden.AsMemory(0, _model.Config.Hidden), cancellationToken);
        _model.Ends.Logits(_hidden.AsSpan(0, _model.Config.Hidden), 1, _logits);
        return _time.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>So many steps, each at the positions right after the prompt.</summary>
    public async Task<StepTimes[]> DecodeAsync(int steps, CancellationToken cancellationToken)
    {
        StepTimes[] times = new StepTimes[steps];
        Memory<float> row = _hidden.AsMemory(0, _model.Config.Hidden);
        double compute = ComputeSeconds();
        for (int i = 0; i < steps; i++)
        {
            long start = _time.GetTimestamp();
            _model.Ends.Embed(_prompt.AsSpan(i % _prompt.Length, 1), _prompt.Length + i, row.Span);
            long sent = _time.GetTimestamp();
            await _session.ForwardAsync(row, _prompt.Length + i, 1, OutputRows.Last, row, cancellationToken);
            long back = _time.GetTimestamp();
            _model.Ends.Logits(row.Span, 1, _logits);
            long end = _time.GetTimestamp();
            double computeNow = ComputeSeconds();
            times[i] = new StepTimes(
                _time.GetElapsedTime(start, end).TotalSeconds, _time.GetElapsedTime(sent, back).TotalSeconds, computeNow - compute);
            compute = computeNow;
        }

        return times;
    }

    public ValueTask DisposeAsync() => _session.DisposeAsync();

    private double ComputeSeconds() => _session.Figures.Hops.Sum(hop => hop.ComputeSeconds);
}
