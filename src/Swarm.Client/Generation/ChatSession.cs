using Swarm.Models.Templates;
using Swarm.Models.Tokenizers;

namespace Swarm.Client;

/// <summary>
/// A conversation. The session and its caches stay between turns: a turn prefills only what the caches do not hold yet, which
/// <see cref="PrefilledTokens"/> shows. The ids that the model generated are kept as they are, not tokenized again from their text.
/// </summary>
public sealed class ChatSession : IAsyncDisposable
{
    private readonly LanguageModel _model;
    private readonly string? _systemMessage;
    private readonly List<ChatMessage> _messages = [];
    private InferenceSession? _session;

    // What the conversation is so far, as ids and as the text (special tokens shown) that they stand for.
    private int[] _ids = [];
    private string _text = "";

    internal ChatSession(LanguageModel model, string? systemMessage)
    {
        _model = model;
        _systemMessage = systemMessage;
        _model.RequireTokenizer();
        Reset();
    }

    /// <summary>The conversation: user and assistant in turn, after the system message if there is one.</summary>
    public IReadOnlyList<ChatMessage> Messages => _messages;

    /// <summary>Tokens that the last turn had to compute before its answer began.</summary>
    public int PrefilledTokens { get; private set; }

    /// <summary>Says something and streams the answer. The answer becomes part of the conversation, also when it is cut short.</summary>
    public async IAsyncEnumerable<GeneratedToken> SendAsync(
        string message, GenerationOptions? options = null,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        _messages.Add(new ChatMessage("user", message));
        string rendered;
        try
        {
            rendered = _model.RenderChat(_messages);
        }
        catch
        {
            _messages.RemoveAt(_messages.Count - 1);
            throw;
        }

        int[] prompt = Continue(rendered);
        options ??= new GenerationOptions();
        InferenceSession? kept = await KeepCommonPrefixAsync(prompt, options);
        PrefilledTokens = prompt.Length - (kept?.Length ?? 0);
        Generation generation = new(_model, kept, prompt, options, Take, cancellationToken);
        var answer = new List<int>();
        string spoken = "";
        try
        {
            await foreach (GeneratedToken token in generation)
            {
                answer.Add(token.Id);
                spoken += token.Text;
                yield return token;
            }

            LastResult = generation.Result;
        }
        finally
        {
            if (answer.Count == 0)
            {
                _messages.RemoveAt(_messages.Count - 1);
            }
            else
            {
                _messages.Add(new ChatMessage("assistant", spoken));
                _ids = [.. prompt, .. answer];
                _text = rendered + _model.RequireTokenizer().Decode(answer.ToArray());
            }
        }
    }

    /// <summary>Figures of the last turn that ended by itself.</summary>
    public GenerationResult? LastResult { get; private set; }

    /// <summary>Forgets the conversation; the caches are given back at the next turn or on disposal.</summary>
    public void Reset()
    {
        _messages.Clear();
        if (_systemMessage is not null)
            _messages.Add(new ChatMessage("system", _systemMessage));
        _ids = [];
        _text = "";
        PrefilledTokens = 0;
        LastResult = null;
        _session?.Rollback(0);
    }

    public ValueTask DisposeAsync() => _session?.DisposeAsync() ?? default;

    // The new prompt's ids: what was said keeps its ids where the rendered text still begins with it, and only the rest is tokenized.
    private int[] Continue(string rendered)
    {
        Tokenizer tokenizer = _model.RequireTokenizer();
        return _ids.Length > 0 && rendered.StartsWith(_text, StringComparison.Ordinal)
            ? [.. _ids, .. tokenizer.Encode(rendered[_text.Length..])]
            : tokenizer.Encode(rendered);
    }

    // Rolls the kept session back to what it has in common with the prompt; at least the prompt's last token is computed anew.
    private async ValueTask<InferenceSession?> KeepCommonPrefixAsync(int[] prompt, GenerationOptions options)
    {
        if (_session is null)
            return null;

        // A fault ended it, or its last node was told to choose otherwise: its caches go, the conversation stays.
        if (!_session.IsUsable || !_session.Chooses(options.Sampling))
        {
            await _session.DisposeAsync();
            _session = null;
            return null;
        }

        int common = _session.Ids.CommonPrefixLength(prompt);
        _session.Rollback(Math.Min(common, prompt.Length - 1));
        return _session;
    }

    private ValueTask Take(InferenceSession session)
    {
        _session = session;
        PrefilledTokens -= session.PrefixTokens;
        return default;
    }
}
