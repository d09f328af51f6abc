using System.Buffers;
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
    private readonly Weights _weights;
    private float[] _normed = [];

    private ModelEnds(ModelConfig config, KernelSet kernels, EndParts parts, Weights weights, long bytesRead)
    {
        Config = config;
        Parts = parts;
        _kernels = kernels;
        _weights = weights;
        BytesRead = bytesRead;
    }

    /// <summary>The model's shape.</summary>
    public ModelConfig Config { get; }

    /// <summary>What it can be asked for.</summary>
    public EndParts Parts { get; }

    /// <summary>Bytes of weights in memory.</summary>
    public long WeightBytes => _weights.ResidentBytes;

    /// <summary>Bytes of the head's matrix in memory: what a token's logits read.</summary>
    public long HeadBytes => _weights.Head?.ResidentBytes ?? 0;

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
            bool embeds = parts.HasFlag(EndParts.Embedding);
            WeightMatrix? positions = embeds && config.Positions == PositionKind.Learned
                ? loader.Matrix(TensorRole.PositionEmbedding, 0, config.Context, config.Hidden)
                : null;
            NormPart? embeddingNorm = embeds && config.EmbeddingNorm ? loader.Norm(TensorRole.EmbeddingNorm, TensorRole.EmbeddingNormBias, 0, config.Hidden) : null;
            WeightMatrix? embedding = parts.HasFlag(EndParts.Embedding) ? loader.Matrix(TensorRole.Embedding, 0, config.Vocabulary, config.Hidden) : null;
            if (!parts.HasFlag(EndParts.Head))
                return new ModelEnds(config, kernels, parts, new Weights(embedding, positions, embeddingNorm, null, [], null), loader.BytesRead);
            WeightMatrix? head = config.TiedEnds ? embedding : loader.Matrix(TensorRole.Head, 0, config.Vocabulary, config.Hidden);
            float[] headBias = config.HeadBias ? loader.Vector(TensorRole.HeadBias, 0, config.Vocabulary) : [];
            NormPart norm = loader.Norm(TensorRole.FinalNorm, TensorRole.FinalNormBias, 0, config.Hidden);
            return new ModelEnds(config, kernels, parts, new Weights(embedding, positions, embeddingNorm, head, headBias, norm), loader.BytesRead);
        }
        catch
        {
            loader.DisposeLoaded();
            throw;
        }
    }

    /// <summary>What loading some parts of a model loads: tied ends come together.</summary>
    public static EndParts Needed(ModelConfig config, EndParts parts) => config.TiedEnds && parts != EndParts.None ? EndParts.Both : parts;

    /// <summary>Writes the embedding of each id. May run beside other work of the kernels.</summary>
    /// <param name="ids">Token ids.</param>
    /// <param name="position">Where the first of them stands in its session.</param>
    /// <param name="hidden">[ids, Hidden].</param>
    /// <exception cref="ModelException">InvalidArgument: an id outside the vocabulary. ContextExceeded: a position that the model has no vector for.</exception>
    public void Embed(ReadOnlySpan<int> ids, int position, Span<float> hidden)
    {
        Expect(hidden.Length, ids.Length, Config.Hidden, "hidden values");
        WeightMatrix embedding = _weights.Embedding ?? throw Lacks(EndParts.Embedding);
        foreach (int id in ids)
        {
            if ((uint)id >= (uint)Config.Vocabulary)
                throw new ModelException(ModelError.InvalidArgument, $"token id {id}, expected 0 to {Config.Vocabulary - 1}");
        }

        if (_weights.Positions is not null && (position < 0 || (long)position + ids.Length > Config.Context))
            throw new ModelException(ModelError.ContextExceeded, $"position {position} + {ids.Length} tokens, expected at most the context of {Config.Context}");
        for (int i = 0; i < ids.Length; i++)
        {
            Span<float> row = hidden.Slice(i * Config.Hidden, Config.Hidden);
            embedding.CopyRow(ids[i], row);
            Finish(row, position + i);
        }
    }

    /// <summary>normed [tokens, Hidden] = the final norm of hidden [tokens, Hidden]; may be the same memory.</summary>
    public void FinalNorm(ReadOnlySpan<float> hidden, int tokens, Span<float> normed)
    {
        Expect(hidden.Length, tokens, Config.Hidden, "hidden values");
        Expect(normed.Length, tokens, Config.Hidden, "normed values");
        NormPart norm = _weights.Norm ?? throw Lacks(EndParts.Head);
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
        WeightMatrix head = _weights.Head ?? throw Lacks(EndParts.Head);
        if (_normed.Length < hidden.Length)
            _normed = new float[hidden.Length];
        Span<float> normed = _normed.AsSpan(0, hidden.Length);
        _weights.Norm!.Apply(_kernels, hidden, tokens, normed);
        _kernels.MatMul(head, normed, tokens, _weights.HeadBias, logits);
        if (Config.LogitSoftCap != 0)
            _kernels.SoftCap(logits, Config.LogitSoftCap);
    }

    /// <summary>Frees the weights.</summary>
    public void Dispose() => _weights.Dispose();

    // Scale, position, norm: one rounding each, in this order.
    private void Finish(Span<float> row, int position)
    {
        if (Config.EmbeddingScale != 1)
        {
            foreach (ref float value in row)
                value *= Config.EmbeddingScale;
        }

        if (_weights.Positions is { } positions)
        {
            float[] vector = ArrayPool<float>.Shared.Rent(row.Length);
            positions.CopyRow(position, vector.AsSpan(0, row.Length));
            for (int i = 0; i < row.Length; i++)
                row[i] += vector[i];
            ArrayPool<float>.Shared.Return(vector);
        }

        _weights.EmbeddingNorm?.ApplyRow(_kernels, row, row);
    }

    private InvalidOperationException Lacks(EndParts part) => new($"ends: {part} was not loaded, only {Parts}");

    private static void Expect(int seen, int tokens, int width, string what)
    {
        if (tokens < 0 || seen != (long)tokens * width)
            throw new ModelException(ModelError.InvalidArgument, $"{seen} {what}, expected {tokens} tokens of {width}");
    }

    private sealed record Weights(
        WeightMatrix? Embedding, WeightMatrix? Positions, NormPart? EmbeddingNorm, WeightMatrix? Head, float[] HeadBias, NormPart? Norm) : IDisposable
    {
        public long ResidentBytes =>
            (Embedding?.ResidentBytes ?? 0) + (Positions?.ResidentBytes ?? 0) + (EmbeddingNorm?.ResidentBytes ?? 0)
            + (ReferenceEquals(Embedding, Head) ? 0 : Head?.ResidentBytes ?? 0) + (4L * HeadBias.Length) + (Norm?.ResidentBytes ?? 0);

        public void Dispose()
        {
            Embedding?.Dispose();
            Positions?.Dispose();
            if (!ReferenceEquals(Embedding, Head))
                Head?.Dispose();
        }
    }
}
