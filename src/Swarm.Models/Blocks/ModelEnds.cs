using Swarm.Kernels;
using Swarm.Models.Families;

namespace Swarm.Models.Blocks;

/// <summary>
/// A model's two ends, or one of them: the embedding, and the final norm with the head. A tied head is the embedding's matrix, held once. One thread at a time; nothing is
/// allocated after the first call of a size.
/// </summary>
public sealed class ModelEnds : IDisposable
{
    private readonly KernelSet _kernels;
    private readonly WeightMatrix? _embedding;
    private readonly WeightMatrix? _head;
    private readonly NormPart? _norm;
    private float[] _normed = [];

    private ModelEnds(ModelConfig config, KernelSet kernels, EndParts parts, WeightMatrix? embedding, WeightMatrix? head, NormPart? norm, long bytesRead)
    {
        Config = config;
        Parts = parts;
        _kernels = kernels;
        _embedding = embedding;
        _head = head;
        _norm = norm;
        BytesRead = bytesRead;
    }

    /// <summary>The model's shape.</summary>
    public ModelConfig Config { get; }

    /// <summary>What it can be asked for.</summary>
    public EndParts Parts { get; }

    /// <summary>Bytes of weights in memory.</summary>
    public long WeightBytes =>
        (_embedding?.ResidentBytes ?? 0) + (ReferenceEquals(_embedding, _head) ? 0 : _head?.ResidentBytes ?? 0) + (_norm?.ResidentBytes ?? 0);

    /// <summary>Bytes of the head's matrix in memory: what a token's logits read.</summary>
    public long HeadBytes => _head?.ResidentBytes ?? 0;

    /// <summary>Bytes of the stored tensors that were loaded.</summary>
    public long BytesRead { get; }

    /// <summary>Loads the ends, and reads no block.</summary>
    /// <param name="source">The model.</param>
    /// <param name="kernels">Who computes with them.</param>
    /// <param name="verify">A manifest that their tensors must agree with; null where they are known to.</param>
    /// <param name="cancellationToken">Ends loading between two tensors.</param>
    /// <param name="parts">What is needed; a tied head brings the embedding along, and the embedding the head.</param>
    /// <exception cref="ModelException">CorruptModel: a tensor is missing, misshapen or differs from the manifest. UnsupportedModel: a type that kernels lack.</exception>
    public static ModelEnds Load(
        ModelSource source, KernelSet kernels, ModelManifest? verify = null, CancellationToken cancellationToken = default, EndParts parts = EndParts.Both)
    {
        ModelConfig config = source.Config;
        var loader = new TensorLoader(source, kernels, verify, rotary: null, cancellationToken);
        parts = Needed(config, parts);
        try
        {
            WeightMatrix? embedding = parts.HasFlag(EndParts.Embedding) ? loader.Matrix(TensorRole.Embedding, 0, config.Vocabulary, config.Hidden) : null;
            if (!parts.HasFlag(EndParts.Head))
                return new ModelEnds(config, kernels, parts, embedding, null, null, loader.BytesRead);
            WeightMatrix? head = config.TiedEnds ? embedding : loader.Matrix(TensorRole.Head, 0, config.Vocabulary, config.Hidden);
            var norm = loader.Norm(TensorRole.FinalNorm, TensorRole.FinalNormBias, 0, config.Hidden);
            return new ModelEnds(config, kernels, parts, embedding, head, norm, loader.BytesRead);
        }
        catch
        {
            loader.DisposeLoaded();
            throw;
        }
    }

    /// <summary>What loading some parts of a model loads: tied ends come together.</summary>
    public static EndParts Needed(ModelConfig config, EndParts parts) => config.TiedEnds && parts != EndParts.None ? EndParts.Both : parts;

    /// <summary>Writes the embedding of each id.</summary>
    /// <param name="ids">Token ids.</param>
    /// <param name="hidden">[ids, Hidden].</param>
    /// <exception cref="ModelException">InvalidArgument: an id outside the vocabulary.</exception>
    public void Embed(ReadOnlySpan<int> ids, Span<float> hidden)
    {
        Expect(hidden.Length, ids.Length, Config.Hidden, "hidden values");
        WeightMatrix embedding = _embedding ?? throw Lacks(EndParts.Embedding);
        foreach (int id in ids)
        {
            if ((uint)id >= (uint)Config.Vocabulary)
                throw new ModelException(ModelError.InvalidArgument, $"token id {id}, expected 0 to {Config.Vocabulary - 1}");
        }

        for (int i = 0; i < ids.Length; i++)
            embedding.CopyRow(ids[i], hidden.Slice(i * Config.Hidden, Config.Hidden));
    }

    /// <summary>normed [tokens, Hidden] = the final norm of hidden [tokens, Hidden]; may be the same memory.</summary>
    public void FinalNorm(ReadOnlySpan<float> hidden, int tokens, Span<float> normed)
    {
        Expect(hidden.Length, tokens, Config.Hidden, "hidden values");
        Expect(normed.Length, tokens, Config.Hidden, "normed values");
        NormPart norm = _norm ?? throw Lacks(EndParts.Head);
        norm.Apply(_kernels, hidden, tokens, normed);
    }

    /// <summary>Scores of every token of the vocabulary as the next one.</summary>
    /// <param name="hidden">[tokens, Hidden], after the last block and before the final norm.</param>
    /// <param name="tokens">Rows.</param>
    /// <param name="logits">[tokens, Vocabulary].</param>
    public void Logits(ReadOnlySpan<float> hidden, int tokens, Span<float> logits)
    {
        // Step 12: head; sampling follows.
        Expect(hidden.Length, tokens, Config.Hidden, "hidden values");
        Expect(logits.Length, tokens, Config.Vocabulary, "logits");
        WeightMatrix head = _head ?? throw Lacks(EndParts.Head);
        if (_normed.Length < hidden.Length)
            _normed = new float[hidden.Length];
        Span<float> normed = _normed.AsSpan(0, hidden.Length);
        _norm!.Apply(_kernels, hidden, tokens, normed);
        _kernels.MatMul(head, normed, tokens, [], logits);
    }

    /// <summary>Frees the weights.</summary>
    public void Dispose()
    {
        _embedding?.Dispose();
        if (!ReferenceEquals(_embedding, _head))
            _head?.Dispose();
    }

    private InvalidOperationException Lacks(EndParts part) => new($"ends: {part} was not loaded, only {Parts}");

    private static void Expect(int seen, int tokens, int width, string what)
    {
        if (tokens < 0 || seen != (long)tokens * width)
            throw new ModelException(ModelError.InvalidArgument, $"{seen} {what}, expected {tokens} tokens of {width}");
    }
}
