using System.Diagnostics.CodeAnalysis;
using Swarm.Models.Sampling;
using Swarm.Protocol;

namespace Swarm.Client;

/// <summary>
/// Token ids in, logits out: one sequence through the whole model, with its caches. Used by one caller at a time. Disposing it frees the
/// caches on every hop.
/// </summary>
public sealed class InferenceSession : IAsyncDisposable
{
    // Tokens of a step that feeds a chain again.
    private const int FedAgain = 128;

    private readonly LanguageModel _model;
    private readonly IChainSession _chain;
    private readonly TokenSource _ids;
    private readonly SamplingOptions _sampling;
    private readonly int[] _oneId = new int[1];
    private readonly int[] _next = new int[1];
    private readonly float[] _row;
    private float[] _chunk = [];
    private float[] _logits = [];

    internal InferenceSession(LanguageModel model, IChainSession chain, TokenSource ids, SamplingOptions sampling)
    {
        _sampling = sampling;
        _ids = ids;
        _model = model;
        _chain = chain;
        _row = new float[model.Config.Hidden];
        PrefixTokens = chain.Length;
    }

    /// <summary>Token ids whose keys and values the caches hold.</summary>
    public ReadOnlySpan<int> Ids => _ids.Ids;

    /// <summary>Positions that the caches hold.</summary>
    public int Length => _ids.Count;

    /// <summary>Positions that it began with: the nodes had their keys and values from an earlier session of this client.</summary>
    public int PrefixTokens { get; }

    /// <summary>The most positions that the session may hold.</summary>
    public int MaxPositions => _chain.MaxPositions;

    /// <summary>False once a fault ended the session: open another. After NoRoute it stays usable: the same step asked for again looks for a way again.</summary>
    public bool IsUsable => _chain.IsUsable;

    public ChainRoute Route => _chain.Route;

    public ChainFigures Figures => _chain.Figures;

    /// <summary>
    /// Appends ids in chunks that travel one behind the other, without waiting for each to come back. Returns the logits after the last:
    /// [vocabulary], valid until the next call.
    /// </summary>
    /// <exception cref="SwarmException">ContextExceeded before anything is sent; what the chain reports.</exception>
    public async ValueTask<ReadOnlyMemory<float>> PrefillAsync(
        ReadOnlyMemory<int> ids, int chunk = 128, CancellationToken cancellationToken = default)
    {
        if (ids.IsEmpty)
            throw new SwarmException(FaultKind.InvalidArgument, "ids: 0 tokens, expected at least 1");
        ArgumentOutOfRangeException.ThrowIfLessThan(chunk, 1);
        CheckRoom(ids.Length);
        await FeedAgainAsync(cancellationToken);
        await SendChunksAsync(
            ids, chunk,
            (part, last) => Send(part, last ? OutputRows.Last : OutputRows.None, last ? _row : default, cancellationToken));
        return Head();
    }

    /// <summary>Appends one id. Returns the logits after it: [vocabulary], valid until the next call.</summary>
    /// <exception cref="SwarmException">ContextExceeded before anything is sent; what the chain reports.</exception>
    public async ValueTask<ReadOnlyMemory<float>> StepAsync(int tokenId, CancellationToken cancellationToken = default)
    {
        CheckRoom(1);
        _oneId[0] = tokenId;
        await ForwardAsync(_oneId, OutputRows.Last, _row, cancellationToken);
        return Head();
    }

    /// <summary>Appends ids in one step and gives back hidden states of the last block, before the final norm.</summary>
    /// <param name="ids">Token ids, at least 1.</param>
    /// <param name="outputs">Rows to give back.</param>
    /// <param name="hidden">[rows, hidden].</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async ValueTask ForwardAsync(
        ReadOnlyMemory<int> ids, OutputRows outputs, Memory<float> hidden, CancellationToken cancellationToken = default)
    {
        CheckRoom(ids.Length);
        await FeedAgainAsync(cancellationToken);
        try
        {
            await Send(ids, outputs, hidden, cancellationToken);
        }
        catch (SwarmException)
        {
            TakeBack();
            throw;
        }
    }

    /// <summary>The next recovery of the chain that nobody has taken note of.</summary>
    public bool TryTakeRecovery([NotNullWhen(true)] out ChainRecovery? recovery) => _chain.TryTakeRecovery(out recovery);

    /// <summary>Forgets positions from <paramref name="length"/> on; the next step overwrites them.</summary>
    public void Rollback(int length)
    {
        if ((uint)length > (uint)_ids.Count)
            throw new SwarmException(FaultKind.InvalidArgument, $"length: {length}, expected 0 to {_ids.Count}");
        _ids.Truncate(length);
    }

    public ValueTask DisposeAsync() => _chain.DisposeAsync();

    /// <summary>Whether the session chooses as these options say, wherever it is done.</summary>
    internal bool Chooses(SamplingOptions sampling) => _model.EndsMode == EndsMode.Local || _sampling == sampling;

    /// <summary>Chooses tokens for this session.</summary>
    internal ITokenChooser CreateChooser(SamplingOptions sampling) =>
        _model.EndsMode == EndsMode.Local ? new LocalTokenChooser(this, sampling) : new RemoteTokenChooser(this);

    /// <summary>Appends ids as <see cref="PrefillAsync"/> does; gives the id that the last node chose to follow them.</summary>
    internal async ValueTask<int> PrefillIdsAsync(ReadOnlyMemory<int> ids, int chunk, CancellationToken cancellationToken)
    {
        CheckRoom(ids.Length);
        await SendChunksAsync(ids, chunk, (part, last) => SendIds(part, last ? _next : default, cancellationToken));
        return _next[0];
    }

    /// <summary>Appends one id; gives the one that the last node chose to follow it.</summary>
    internal async ValueTask<int> StepIdAsync(int tokenId, CancellationToken cancellationToken)
    {
        CheckRoom(1);
        _oneId[0] = tokenId;
        try
        {
            await SendIds(_oneId, _next, cancellationToken);
        }
        catch (SwarmException)
        {
            TakeBack();
            throw;
        }

        return _next[0];
    }

    // Appends one id to each session, all in one pass where the chain can; afterwards Head gives each one's logits.
    internal static async ValueTask StepTogetherAsync(
        IReadOnlyList<InferenceSession> sessions, IReadOnlyList<ReadOnlyMemory<int>> ids, OutputRows outputs,
        IReadOnlyList<Memory<float>> results, CancellationToken cancellationToken)
    {
        var steps = new ChainStep[sessions.Count];
        for (int index = 0; index < steps.Length; index++)
        {
            InferenceSession session = sessions[index];
            session.CheckRoom(ids[index].Length);
            await session.FeedAgainAsync(cancellationToken);
            int count = ids[index].Length;
            int position = session.Length;
            // A buffer for each: the steps are read together.
            float[] hidden = new float[count * session._model.Config.Hidden];
            session._model.Ends.Embed(ids[index].Span, position, hidden);
            session._ids.Append(ids[index].Span);
            steps[index] = new ChainStep(session._chain, hidden, position, count, outputs, results[index]);
        }

        try
        {
            await sessions[0]._model.Chain.ForwardTogetherAsync(steps, cancellationToken);
        }
        catch (SwarmException)
        {
            foreach (InferenceSession session in sessions)
                session.TakeBack();
            throw;
        }
    }

    private ValueTask Send(ReadOnlyMemory<int> ids, OutputRows outputs, Memory<float> result, CancellationToken cancellationToken)
    {
        // Step 3: the embedding is the first of the model's two ends.
        int values = ids.Length * _model.Config.Hidden;
        if (_chunk.Length < values)
            _chunk = new float[values];
        int position = _ids.Count;
        _model.Ends.Embed(ids.Span, position, _chunk.AsSpan(0, values));
        _ids.Append(ids.Span);
        return _chain.ForwardAsync(_chunk.AsMemory(0, values), position, ids.Length, outputs, result, cancellationToken);
    }

    // A chain that cannot go on at the session's end, because the session went back, gets what comes before it once more.
    private async ValueTask FeedAgainAsync(CancellationToken cancellationToken)
    {
        int from = _chain.ResumeAt(_ids.Count);
        if (from == _ids.Count)
            return;
        int[] ids = _ids.Ids[from..].ToArray();
        _ids.Truncate(from);
        await SendChunksAsync(ids, FedAgain, (part, _) => Send(part, OutputRows.None, default, cancellationToken));
    }

    // One behind the other, without waiting for each to come back.
    private async ValueTask SendChunksAsync(ReadOnlyMemory<int> ids, int chunk, Func<ReadOnlyMemory<int>, bool, ValueTask> send)
    {
        var pending = new Queue<ValueTask>();
        try
        {
            for (int first = 0; first < ids.Length; first += chunk)
            {
                int count = Math.Min(chunk, ids.Length - first);
                if (pending.Count >= _chain.Window)
                    await pending.Dequeue();
                pending.Enqueue(send(ids.Slice(first, count), first + count == ids.Length));
            }

            while (pending.TryDequeue(out ValueTask step))
                await step;
        }
        catch (SwarmException)
        {
            TakeBack();
            throw;
        }
    }

    private ValueTask SendIds(ReadOnlyMemory<int> ids, Memory<int> next, CancellationToken cancellationToken)
    {
        int position = _ids.Count;
        _ids.Append(ids.Span);
        return _chain.ForwardIdsAsync(ids, position, next, cancellationToken);
    }

    // What the chain gave up is no part of the session: the caller may ask for it again.
    private void TakeBack() => _ids.Truncate(Math.Min(_ids.Count, _chain.Length));

    private ReadOnlyMemory<float> Head()
    {
        // Step 12: the LM head is the other end.
        if (_logits.Length == 0)
            _logits = new float[_model.Config.Vocabulary];
        lock (_model.Device)
            _model.Ends.Logits(_row, 1, _logits);
        return _logits;
    }

    private void CheckRoom(int count)
    {
        if (_ids.Count + count > _chain.MaxPositions)
        {
            throw new SwarmException(
                FaultKind.ContextExceeded,
                $"tokens: {_ids.Count + count}, expected at most {_chain.MaxPositions} (the session's context)");
        }
    }
}
