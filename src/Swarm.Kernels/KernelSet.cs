namespace Swarm.Kernels;

/// <summary>
/// Every operation of a transformer under one numerics class: spans in, spans out. All matrices are row-major; token t of
/// <c>[tokens, n]</c> starts at t·n. Results for a token depend on that token's inputs alone, never on how many tokens, threads or vector
/// lanes were computed together. Calls are made by one thread at a time; inside, work is divided over <see cref="Threads"/>.
/// </summary>
public abstract partial class KernelSet : IDisposable
{
    /// <summary>Positions a KV page holds; pages are aligned to absolute multiples of it.</summary>
    public const int PagePositions = 64;

    private float[] _spare = [];

    /// <summary>Name of the arithmetic: part of a model's identity.</summary>
    public abstract string NumericsClass { get; }

    /// <summary>Threads that compute.</summary>
    public abstract int Threads { get; }

    /// <summary>Brings stored rows into the form that <see cref="MatMul"/> reads.</summary>
    public abstract WeightMatrix Pack(WeightFormat format, int rows, int columns, RowReader source);

    /// <summary>output[t, r] = Σ_c weights[r, c] · input[t, c] (+ bias[r]).</summary>
    /// <param name="weights">A matrix that this set packed.</param>
    /// <param name="input">[tokens, weights.Columns].</param>
    /// <param name="tokens">Rows of input and output.</param>
    /// <param name="bias">[weights.Rows], or empty for none.</param>
    /// <param name="output">[tokens, weights.Rows]; must not overlap the input.</param>
    public abstract void MatMul(WeightMatrix weights, ReadOnlySpan<float> input, int tokens, ReadOnlySpan<float> bias, Span<float> output);

    /// <summary>Three products over one input [tokens, Columns], which is prepared once: an attention's queries, keys and values. The bits are those of three <see cref="MatMul"/>.</summary>
    public virtual void MatMulThree(ReadOnlySpan<float> input, int tokens, in Product first, in Product second, in Product third)
    {
        MatMul(first.Weights, input, tokens, first.Bias, first.Output);
        MatMul(second.Weights, input, tokens, second.Bias, second.Output);
        MatMul(third.Weights, input, tokens, third.Bias, third.Output);
    }

    /// <summary>target[t, r] += Σ_c weights[r, c] · input[t, c] (+ bias[r]): <see cref="MatMul"/>, then <see cref="Add"/>, to the bit.</summary>
    /// <param name="weights">A matrix that this set packed.</param>
    /// <param name="input">[tokens, weights.Columns].</param>
    /// <param name="tokens">Rows of input and target.</param>
    /// <param name="bias">[weights.Rows], or empty for none.</param>
    /// <param name="target">[tokens, weights.Rows]; must not overlap the input.</param>
    public virtual void MatMulAdd(WeightMatrix weights, ReadOnlySpan<float> input, int tokens, ReadOnlySpan<float> bias, Span<float> target)
    {
        Span<float> product = Spare(target.Length);
        MatMul(weights, input, tokens, bias, product);
        Add(target, product);
    }

    /// <summary>gate.Output = activation(gate's product) · up's product over one input [tokens, Columns]: two <see cref="MatMul"/>, then <see cref="Gate"/>, to the bit.</summary>
    /// <param name="input">[tokens, Columns].</param>
    /// <param name="tokens">Rows of input and output.</param>
    /// <param name="gate">The gate, and where the result goes.</param>
    /// <param name="up">A matrix [gate's rows, Columns].</param>
    /// <param name="upBias">[up.Rows], or empty for none.</param>
    /// <param name="activation">Of the gate.</param>
    public virtual void MatMulGated(
        ReadOnlySpan<float> input, int tokens, in Product gate, WeightMatrix up, ReadOnlySpan<float> upBias, Activation activation = Activation.Silu)
    {
        Span<float> product = Spare(gate.Output.Length);
        MatMul(gate.Weights, input, tokens, gate.Bias, gate.Output);
        MatMul(up, input, tokens, upBias, product);
        Gate(activation, gate.Output, product);
    }

    /// <summary>output[t] = input[t] · weight ÷ √(mean(input[t]²) + epsilon); output may be the input.</summary>
    public abstract void RmsNorm(ReadOnlySpan<float> input, ReadOnlySpan<float> weight, float epsilon, int tokens, Span<float> output);

    /// <summary>Turns [tokens, heads, headDimension] in place; token t stands at firstPosition + t.</summary>
    public abstract void Rotary(Span<float> values, int tokens, int heads, int headDimension, RotaryTable table, int firstPosition);

    /// <summary>
    /// output[t] = (input[t] − mean) · weight ÷ √(variance + epsilon) + bias, with the mean and variance of input[t]; output may be the input.
    /// </summary>
    /// <param name="input">[tokens, weight.Length].</param>
    /// <param name="weight">One a value of a token.</param>
    /// <param name="bias">The same, or empty for none.</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <param name="tokens">Rows.</param>
    /// <param name="output">[tokens, weight.Length].</param>
    public abstract void LayerNorm(
        ReadOnlySpan<float> input, ReadOnlySpan<float> weight, ReadOnlySpan<float> bias, float epsilon, int tokens, Span<float> output);

    /// <summary><see cref="LayerNorm"/> of one token, by the caller's thread alone: it may run beside other calls.</summary>
    public abstract void LayerNormRow(ReadOnlySpan<float> input, ReadOnlySpan<float> weight, ReadOnlySpan<float> bias, float epsilon, Span<float> output);

    /// <summary>gate = silu(gate) · up, in place in gate; equal lengths.</summary>
    public void SwiGlu(Span<float> gate, ReadOnlySpan<float> up) => Gate(Activation.Silu, gate, up);

    /// <summary>gate = activation(gate) · up, in place in gate; equal lengths.</summary>
    public abstract void Gate(Activation activation, Span<float> gate, ReadOnlySpan<float> up);

    /// <summary>values = activation(values), in place.</summary>
    public abstract void Activate(Activation activation, Span<float> values);

    /// <summary>values = values · factor, in place.</summary>
    public abstract void Scale(Span<float> values, float factor);

    /// <summary>values = cap · tanh(values ÷ cap), in place.</summary>
    public abstract void SoftCap(Span<float> values, float cap);

    /// <summary>target += addend; equal lengths.</summary>
    public abstract void Add(Span<float> target, ReadOnlySpan<float> addend);

    /// <summary>Bytes that one block's keys and values of <see cref="PagePositions"/> positions take; a multiple of 64.</summary>
    public abstract int KvPageBytes(in AttentionShape shape);

    /// <summary>Stores keys [tokens, KeyValueHeads, HeadDimension] and values [tokens, KeyValueHeads, ValueDimension] of positions firstPosition… in the cache.</summary>
    /// <param name="pages">Addresses of the session's pages, the page of position p at index p ÷ 64; this block's part starts at <paramref name="pageOffset"/> in each.</param>
    public abstract void StoreKeyValues(
        in AttentionShape shape, ReadOnlySpan<nint> pages, long pageOffset, int firstPosition, int tokens,
        ReadOnlySpan<float> keys, ReadOnlySpan<float> values);

    /// <summary>
    /// Causal grouped-query attention: the query of token t, at position p = firstPosition + t, sees stored positions 0…p, or the last <see cref="AttentionShape.Window"/> of them;
    /// pages that no query sees are not touched. queries are [tokens, Heads, HeadDimension], output [tokens, Heads, ValueDimension]; the keys and values of these tokens are stored already.
    /// </summary>
    public abstract void Attention(
        in AttentionShape shape, ReadOnlySpan<nint> pages, long pageOffset, int firstPosition, int tokens,
        ReadOnlySpan<float> queries, Span<float> output);

    /// <summary>
    /// The attention of several sessions at once: queries and keys of each step's tokens are turned for their positions, keys and values stored, then each query sees its own
    /// session. The bits are those of <see cref="Rotary"/>, <see cref="StoreKeyValues"/> and <see cref="Attention"/> step by step.
    /// </summary>
    /// <param name="shape">Geometry.</param>
    /// <param name="steps">One a session; its tokens follow those of the step before in all spans.</param>
    /// <param name="pageOffset">Where this block's part starts in each page.</param>
    /// <param name="rotary">Turns queries and keys; null leaves them as they are.</param>
    /// <param name="queries">[Σ tokens, Heads, HeadDimension], not turned; undefined afterwards.</param>
    /// <param name="keys">[Σ tokens, KeyValueHeads, HeadDimension], not turned; undefined afterwards.</param>
    /// <param name="values">[Σ tokens, KeyValueHeads, ValueDimension].</param>
    /// <param name="output">[Σ tokens, Heads, ValueDimension].</param>
    public virtual void AttendSteps(
        in AttentionShape shape, ReadOnlySpan<AttentionStep> steps, long pageOffset, RotaryTable? rotary,
        Span<float> queries, Span<float> keys, ReadOnlySpan<float> values, Span<float> output)
    {
        foreach ((ReadOnlyMemory<nint> pages, int position, int tokens) in steps)
        {
            Span<float> ownQueries = queries[..(tokens * shape.QueryWidth)], ownKeys = keys[..(tokens * shape.KeyWidth)];
            if (rotary is not null)
            {
                Rotary(ownQueries, tokens, shape.Heads, shape.HeadDimension, rotary, position);
                Rotary(ownKeys, tokens, shape.KeyValueHeads, shape.HeadDimension, rotary, position);
            }

            StoreKeyValues(shape, pages.Span, pageOffset, position, tokens, ownKeys, values[..(tokens * shape.ValueWidth)]);
            Attention(shape, pages.Span, pageOffset, position, tokens, ownQueries, output[..(tokens * shape.OutputWidth)]);
            queries = queries[ownQueries.Length..];
            keys = keys[ownKeys.Length..];
            values = values[(tokens * shape.ValueWidth)..];
            output = output[(tokens * shape.OutputWidth)..];
        }
    }

    private Span<float> Spare(int length)
    {
        if (_spare.Length < length)
            _spare = new float[length];
        return _spare.AsSpan(0, length);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Releases threads and scratch memory.</summary>
    protected virtual void Dispose(bool disposing)
    {
    }
}
