using Swarm.Models;
using Swarm.Models.Blocks;
using Swarm.Models.Templates;
using Swarm.Models.Tokenizers;
using Swarm.Protocol;

namespace Swarm.Client;

/// <summary>
/// A model to generate with: its two ends (unless the nodes have them), tokenizer and template in this process, its blocks behind <see cref="Chain"/>.
/// <see cref="SwarmClient"/> has them in a swarm, <see cref="LocalModel"/> in this process; everything else is the same.
/// </summary>
public abstract class LanguageModel : IAsyncDisposable
{
    private readonly ModelSource _source;
    private readonly int _context;
    private readonly ModelEnds? _ends;
    private ChatTemplate? _template;

    private protected LanguageModel(ModelSource source, ModelEnds? ends, IBlockChain chain, int? context, TimeProvider time, Lock device)
    {
        Device = device;
        _source = source;
        _ends = ends;
        Chain = chain;
        Time = time;
        _context = Math.Min(context ?? source.Config.Context, source.Config.Context);
    }

    /// <summary>For people.</summary>
    public string Name => _source.Name;

    public ModelConfig Config => _source.Config;

    /// <summary>Most positions of a session: the model's context, or less where the options say so.</summary>
    public int Context => _context;

    /// <summary>Who holds the model's two ends.</summary>
    public EndsMode EndsMode => _ends is null ? EndsMode.Swarm : EndsMode.Local;

    /// <summary>Embedding, final norm and LM head.</summary>
    /// <exception cref="SwarmException">InvalidArgument: the nodes have them; logits, scores and hidden states need local ends.</exception>
    public ModelEnds Ends => _ends ?? throw new SwarmException(
        FaultKind.InvalidArgument, "ends: the nodes have the model's ends (swarm), expected local ones: embedding, logits and scores are made from them");

    /// <summary>The blocks.</summary>
    public IBlockChain Chain { get; }

    /// <summary>Null when the model has none.</summary>
    public Tokenizer? Tokenizer => _source.Tokenizer;

    /// <summary>Null when the model has none.</summary>
    public ChatTemplate? ChatTemplate => _template ??= _source.ChatTemplateText is { } text ? ChatTemplate.Parse(text) : null;

    internal TimeProvider Time { get; }

    /// <summary>Held while the kernels compute: sessions of several threads share them.</summary>
    internal Lock Device { get; }

    /// <summary>Continues a text. Enumerate the answer; its <see cref="Generation.Result"/> is there at the end.</summary>
    /// <exception cref="SwarmException">While enumerating: InvalidArgument, ContextExceeded, NoRoute, PeerLost, …</exception>
    public Generation GenerateAsync(string prompt, GenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        // Step 2: text to token ids.
        return GenerateAsync(RequireTokenizer().Encode(prompt), options, cancellationToken);
    }

    /// <summary>Continues token ids.</summary>
    /// <exception cref="SwarmException">While enumerating: InvalidArgument, ContextExceeded, NoRoute, PeerLost, …</exception>
    public Generation GenerateAsync(int[] prompt, GenerationOptions? options = null, CancellationToken cancellationToken = default) =>
        new(this, null, prompt, options ?? new GenerationOptions(), null, cancellationToken);

    /// <summary>A conversation whose caches stay between turns.</summary>
    /// <exception cref="SwarmException">InvalidArgument when the model has no chat template or tokenizer.</exception>
    public ChatSession StartChat(string? systemMessage = null) => new(this, systemMessage);

    /// <summary>The text that the model's template makes of messages, ready to be continued by the assistant.</summary>
    /// <exception cref="SwarmException">InvalidArgument when the model has no chat template.</exception>
    public string RenderChat(IReadOnlyList<ChatMessage> messages, bool addGenerationPrompt = true)
    {
        ChatTemplate template = ChatTemplate
            ?? throw new SwarmException(FaultKind.InvalidArgument, $"model {Name} has no chat template");
        Tokenizer tokenizer = RequireTokenizer();
        string? Text(int? id) => id is { } token ? tokenizer.TokenText(token) : null;
        return template.Render(
            messages, addGenerationPrompt, Text(tokenizer.SpecialTokens.Bos), Text(tokenizer.SpecialTokens.Eos), Time.GetUtcNow());
    }

    /// <summary>Opens a session over the whole model.</summary>
    public async ValueTask<InferenceSession> OpenSessionAsync(
        ChainSessionOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new ChainSessionOptions();
        var ids = new TokenSource(_ends);
        options = options with
        {
            MaxPositions = Math.Min(options.MaxPositions ?? Context, Context),
            Ends = EndsMode,
            Source = ids,
            TokenSource = ids,
        };

        // What the chain has already needs no more than its ids here.
        ids.Append(options.Prefix.Span);
        IChainSession chain = await Chain.OpenAsync(options, cancellationToken);
        ids.Truncate(chain.Length);
        return new InferenceSession(this, chain, ids, options.Sampling);
    }

    /// <summary>Sends hidden states through some blocks, as one pass from position 0: for looking into the model.</summary>
    /// <param name="blocks">Which blocks.</param>
    /// <param name="hidden">[tokens, hidden]: the output of the block before.</param>
    /// <param name="tokens">Rows.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>[tokens, hidden]: the output of the last of these blocks, before the final norm.</returns>
    public async Task<float[]> ForwardAsync(
        BlockSpan blocks, ReadOnlyMemory<float> hidden, int tokens, CancellationToken cancellationToken = default)
    {
        if (tokens < 1 || hidden.Length != (long)tokens * Config.Hidden)
            throw new SwarmException(FaultKind.InvalidArgument, $"hidden: {hidden.Length} values for {tokens} tokens, expected {(long)tokens * Config.Hidden}");
        await using IChainSession session = await Chain.OpenAsync(
            new ChainSessionOptions { Blocks = blocks, MaxPositions = tokens, ExpectedPositions = tokens, Source = new MemorySource(hidden, Config.Hidden) }, cancellationToken);
        float[] result = new float[hidden.Length];
        var pending = new Queue<ValueTask>();
        const int chunk = 128;
        for (int first = 0; first < tokens; first += chunk)
        {
            int count = Math.Min(chunk, tokens - first);
            if (pending.Count >= session.Window)
                await pending.Dequeue();
            int start = first * Config.Hidden;
            int length = count * Config.Hidden;
            pending.Enqueue(session.ForwardAsync(
                hidden.Slice(start, length), first, count, OutputRows.All, result.AsMemory(start, length), cancellationToken));
        }

        while (pending.TryDequeue(out ValueTask step))
            await step;
        return result;
    }

    /// <summary>Appends ids to several sessions of this model, in one pass over the weights where the chain can.</summary>
    /// <param name="sessions">Different sessions, at least one.</param>
    /// <param name="ids">What to append to each.</param>
    /// <param name="outputs">Rows to give back.</param>
    /// <param name="results">[rows, hidden] for each: hidden states of the last block, before the final norm.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public ValueTask ForwardTogetherAsync(
        IReadOnlyList<InferenceSession> sessions, IReadOnlyList<ReadOnlyMemory<int>> ids, OutputRows outputs,
        IReadOnlyList<Memory<float>> results, CancellationToken cancellationToken = default) =>
        InferenceSession.StepTogetherAsync(sessions, ids, outputs, results, cancellationToken);

    /// <summary>Frees the chain, the ends and the model's files.</summary>
    public virtual async ValueTask DisposeAsync()
    {
        await Chain.DisposeAsync();
        _ends?.Dispose();
        _source.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Whether the token ends a text: as the configuration says, or the tokenizer.</summary>
    internal bool EndsText(int tokenId) =>
        Config.EndTokens.Contains(tokenId) || Tokenizer?.SpecialTokens is { } special && (special.Eos == tokenId || special.EndOfTurn == tokenId);

    internal Tokenizer RequireTokenizer() =>
        Tokenizer ?? throw new SwarmException(FaultKind.InvalidArgument, $"model {Name} has no tokenizer; give token ids");
}
