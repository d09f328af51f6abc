using System.Text;
using Swarm.Models.Sampling;
using Swarm.Models.Tokenizers;

namespace Swarm.Client;

/// <summary>What a continuation has come to: chosen ids, the text that is certain, whether it ends.</summary>
internal sealed class ContinuationState
{
    private readonly LanguageModel _model;
    private readonly GenerationOptions _options;
    private readonly StreamingDetokenizer? _detokenizer;
    private readonly StopMatcher _stops;
    private readonly List<int> _ids;
    private readonly int _promptLength;
    private readonly int _limit;
    private readonly StringBuilder _text = new();
    private FinishReason _reason = FinishReason.Length;

    public ContinuationState(LanguageModel model, GenerationOptions options, int[] prompt, int limit)
    {
        _model = model;
        _options = options;
        _detokenizer = model.Tokenizer?.CreateStream(skipSpecial: !options.ShowSpecialTokens);
        _stops = new StopMatcher(options.StopTexts);
        _ids = new List<int>(prompt.Length + Math.Min(limit, 4096));
        _ids.AddRange(prompt);
        _promptLength = prompt.Length;
        _limit = limit;
    }

    /// <summary>Tokens so far.</summary>
    public int Count => _ids.Count - _promptLength;

    /// <summary>Takes the next token. False when it is the last one.</summary>
    public bool Next(int id, out GeneratedToken token)
    {
        int position = _ids.Count;
        _ids.Add(id);

        bool ends = _options.StopAtEndOfSequence && _model.EndsText(id);
        bool last = ends || Count >= _limit;
        string certain = _detokenizer?.Push(id) ?? "";
        if (last)
            certain += _detokenizer?.Flush() ?? "";

        string text = _stops.Push(certain);
        bool stopped = _stops.Met is not null;
        if (stopped)
            _reason = FinishReason.Stop;
        else if (ends)
            _reason = FinishReason.EndOfSequence;
        last |= stopped;
        if (last && !stopped)
            text += _stops.Flush();
        _text.Append(text);
        token = new GeneratedToken(id, text, position);
        return !last;
    }

    /// <summary>The text and ids; who calls fills in times and route.</summary>
    public GenerationResult Finish() => new()
    {
        Text = _text.ToString(),
        PromptTokens = _promptLength,
        PrefilledTokens = _promptLength,
        Tokens = _ids.GetRange(_promptLength, Count),
        FinishReason = _reason,
        TimeToFirstToken = default,
        PrefillTokensPerSecond = 0,
        TokensPerSecond = 0,
        Recoveries = 0,
        Route = new ChainRoute([], [], _options.Codec, 0),
        Figures = new ChainFigures(0, 0, 0, []),
    };
}
