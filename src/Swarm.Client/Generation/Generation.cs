using Swarm.Protocol;

namespace Swarm.Client;

/// <summary>
/// A continuation under way: enumerate it once; tokens are computed as they are asked for. <see cref="Result"/> is there when the
/// enumeration has ended by itself.
/// </summary>
public sealed class Generation : IAsyncEnumerable<GeneratedToken>
{
    private readonly LanguageModel _model;
    private readonly InferenceSession? _kept;
    private readonly int[] _prompt;
    private readonly GenerationOptions _options;
    private readonly Func<InferenceSession, ValueTask>? _opened;
    private readonly CancellationToken _cancellationToken;
    private bool _started;
    private GenerationResult? _result;

    // kept: a session that holds a beginning of the prompt and outlives this; opened: who takes the session over when there was none.
    internal Generation(
        LanguageModel model, InferenceSession? kept, int[] prompt, GenerationOptions options,
        Func<InferenceSession, ValueTask>? opened, CancellationToken cancellationToken)
    {
        _model = model;
        _kept = kept;
        _prompt = prompt;
        _options = options;
        _opened = opened;
        _cancellationToken = cancellationToken;
    }

    /// <summary>What the generation amounts to.</summary>
    /// <exception cref="InvalidOperationException">The enumeration has not ended by itself.</exception>
    public GenerationResult Result => _result ?? throw new InvalidOperationException("the generation has not ended");

    /// <summary>Enumerates to the end and gives the result.</summary>
    public async Task<GenerationResult> CompleteAsync()
    {
        await foreach (GeneratedToken _ in this)
        {
        }

        return Result;
    }

    public async IAsyncEnumerator<GeneratedToken> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        if (_started)
            throw new InvalidOperationException("a generation is enumerated once");
        _started = true;
        using var both = CancellationTokenSource.CreateLinkedTokenSource(_cancellationToken, cancellationToken);
        CancellationToken cancellation = both.Token;
        int limit = CheckLimits();
        long start = _model.Time.GetTimestamp();

        // Steps 4 and 5: plan a route and open the chain, unless a session is kept.
        InferenceSession session = _kept ?? await OpenAsync(limit, cancellation);
        bool owned = _kept is null && _opened is null;
        try
        {
            if (_kept is null && _opened is not null)
                await _opened(session);
            _options.RouteOpened?.Invoke(session.Route);

            int prefilled = _prompt.Length - session.Length;
            long beforePrefill = _model.Time.GetTimestamp();
            ITokenChooser chooser = session.CreateChooser(_options.Sampling);
            int chosen = await chooser.PrefillAsync(_prompt.AsMemory(session.Length), _options.PrefillChunk, cancellation);
            int recoveries = Tell(session);

            var state = new ContinuationState(_model, _options, _prompt, limit);
            long first = 0;
            GeneratedToken token = default;
            while (true)
            {
                // Step 12: turn into text what was chosen.
                bool more = state.Next(chosen, out token);
                if (first == 0)
                    first = _model.Time.GetTimestamp();
                if (!more)
                    break;
                yield return token;
                cancellation.ThrowIfCancellationRequested();
                chosen = await chooser.StepAsync(token.Id, cancellation);
                recoveries += Tell(session);
            }

            long end = _model.Time.GetTimestamp();
            _result = state.Finish() with
            {
                PrefilledTokens = prefilled,
                PrefixTokens = _kept is null ? session.PrefixTokens : 0,
                TimeToFirstToken = _model.Time.GetElapsedTime(start, first),
                PrefillTokensPerSecond = Rate(prefilled, _model.Time.GetElapsedTime(beforePrefill, first)),
                TokensPerSecond = Rate(state.Count - 1, _model.Time.GetElapsedTime(first, end)),
                Recoveries = recoveries,
                Route = session.Route,
                Figures = session.Figures,
            };
            ClientMeter.Generated(_result);
            yield return token;
        }
        finally
        {
            if (owned)
                await session.DisposeAsync();
        }
    }

    private int Tell(InferenceSession session)
    {
        int told = 0;
        while (session.TryTakeRecovery(out ChainRecovery? recovery))
        {
            told++;
            _options.Recovered?.Invoke(recovery);
        }

        return told;
    }

    private static double Rate(int count, TimeSpan time) => count > 0 && time > TimeSpan.Zero ? count / time.TotalSeconds : 0;

    private ValueTask<InferenceSession> OpenAsync(int limit, CancellationToken cancellationToken)
    {
        int expected = Math.Min(_prompt.Length + limit, _model.Context);
        return _model.OpenSessionAsync(
            new ChainSessionOptions
            {
                Codec = _options.Codec,
                RoundAt = _options.RoundAt,
                ExpectedPositions = expected,
                Grace = _options.Grace,
                Sampling = _options.Sampling,
                Prefix = _prompt,
                SharesPrefix = _options.SharesPrefix,
            },
            cancellationToken);
    }

    // Before anything is sent. Gives the most tokens that may be generated.
    private int CheckLimits()
    {
        if (_options.MaxTokens < 1)
            throw new SwarmException(FaultKind.InvalidArgument, $"maxTokens: {_options.MaxTokens}, expected at least 1");
        if (_options.PrefillChunk is < 1 or > 4096)
            throw new SwarmException(FaultKind.InvalidArgument, $"prefillChunk: {_options.PrefillChunk}, expected 1 to 4096");
        _options.Sampling.Validate();
        if (_prompt.Length == 0)
            throw new SwarmException(FaultKind.InvalidArgument, "prompt: 0 tokens, expected at least 1");
        if (_prompt.Length > _model.Context)
            throw new SwarmException(FaultKind.ContextExceeded, $"prompt: {_prompt.Length} tokens, expected at most {_model.Context} (the context)");
        foreach (int id in _prompt)
        {
            if ((uint)id >= (uint)_model.Config.Vocabulary)
                throw new SwarmException(FaultKind.InvalidArgument, $"token id: {id}, expected 0 to {_model.Config.Vocabulary - 1}");
        }

        // The last token needs no position of its own: its logits are not asked for.
        return Math.Min(_options.MaxTokens, _model.Context - _prompt.Length + 1);
    }
}
