using System.Runtime.CompilerServices;

namespace Swarm.Kernels.Cpu;

/// <summary>The loops of canonical-1 in one width. Implementations give the same bits; <see cref="ScalarOps"/> is the definition in code.</summary>
internal abstract unsafe class CpuOps
{
    public abstract CpuWidth Width { get; }

    /// <summary>Quantizes one token (<see cref="QuantizedInput"/>) of input [tokens, columns].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Quantize(QuantizedInput quantized, float* input, int token)
    {
        int block = quantized.BlockOf(token);
        int place = token - quantized.FirstToken(block);
        int tokens = quantized.BlockLength(block);
        int groups = quantized.Groups;
        sbyte* values = quantized.Values(block);
        float* scales = quantized.Scales(block), shares = quantized.Shares(block);
        int* eightSums = quantized.EightSums(block), halfSums = quantized.HalfSums(block);
        input += (long)token * groups * 32;
        for (int group = 0; group < groups; group++, input += 32)
        {
            int index = group * tokens + place;
            scales[index] = QuantizeGroup(input, values + (long)index * 32, out int halves);
            int sum = (short)halves + (halves >> 16);
            halfSums[index] = halves;
            eightSums[index] = 8 * sum;
            shares[index] = sum * scales[index];
        }
    }

    /// <summary>Rounds one group of 32 activations to 8 bits.</summary>
    /// <param name="input">32 values.</param>
    /// <param name="quanta">32, written.</param>
    /// <param name="halfSums">The sum of the first 16 in the low 16 bits, that of the others in the high ones, both signed.</param>
    /// <returns>The scale dx.</returns>
    public abstract float QuantizeGroup(float* input, sbyte* quanta, out int halfSums);

    /// <summary>Rows of one tile for one block of tokens: output[t·rows + r], sums only (no bias).</summary>
    /// <param name="weights">Of a quantized format.</param>
    /// <param name="tile">Which 16 rows.</param>
    /// <param name="input">The quantized activations.</param>
    /// <param name="block">Which tokens.</param>
    /// <param name="sums">[tokens of the block][16], written.</param>
    /// <param name="scratch">8 · tokens · 16 floats.</param>
    public abstract void TileQuantized(TileMatrix weights, int tile, QuantizedInput input, int block, float* sums, float* scratch);

    /// <summary>Whether quantized formats compute so many tokens of a block in squares of tokens and row vectors.</summary>
    public virtual bool TakesSquares(int tokens) => false;

    /// <summary>Whether quantized formats add four products of bytes at a time straight to int32: so where the processor has an instruction for it; a test may ask for it elsewhere too.</summary>
    public bool TakesDots { get; set; }

    /// <summary>Tokens from which float formats take <see cref="TileTransposed"/>.</summary>
    public virtual int TransposeFrom => int.MaxValue;

    /// <summary>The same for float formats: input is [tokens, columns] of the block, scratch <see cref="FloatScratch"/> floats.</summary>
    public abstract void TileFloat(TileMatrix weights, int tile, float* input, int tokens, float* sums, float* scratch);

    /// <summary>The same for many tokens: strips of 8, sums [strips · 8][16].</summary>
    public virtual void TileTransposed(TileMatrix weights, int tile, TransposedInput input, int firstStrip, int strips, float* sums, float* scratch) =>
        throw new NotSupportedException();

    public abstract void RmsNorm(float* input, float* weight, float epsilon, float reciprocalWidth, int width, float* output);

    public abstract void Rotary(float* head, int heads, int headDimension, RotaryLayout layout, float* cosines, float* sines, int pairs);

    /// <summary>output = (input − mean) · factor · weight (+ bias, where there is one).</summary>
    public abstract void LayerNorm(float* input, float* weight, float* bias, float epsilon, float reciprocalWidth, int width, float* output);

    /// <summary>gate = activation(gate) · up; without up, activation(gate).</summary>
    public abstract void Gate(Activation activation, float* gate, float* up, long length);

    /// <summary>values = cap · tanh(values · reciprocal), with reciprocal = 1 ÷ cap.</summary>
    public abstract void SoftCap(float* values, float cap, float reciprocal, long length);

    public abstract void Add(float* target, float* addend, long length);

    /// <summary>target = target + addend · factor.</summary>
    public abstract void AddScaled(float* target, float* addend, float factor, long length);

    /// <summary>gate = gate' · sigmoid(gate' · alpha) · (up' + 1), clamped to the limit (docs/canonical-1.md, Experts).</summary>
    public abstract void ClampedSwiGlu(float* gate, float* up, float alpha, float limit, long length);

    /// <summary>F16 of float32, to nearest even, saturating.</summary>
    public abstract void ToHalf(float* from, ushort* to, int length);

    /// <summary>Scores, weights and weighted values of one page, for queries that see it (docs/canonical-1.md, section 6).</summary>
    /// <param name="page">Queries, and where the results go.</param>
    /// <param name="scratch"><see cref="PageScratch"/> bytes.</param>
    /// <returns>Queries that went through several to a reading.</returns>
    public abstract int AttendPage(in PageQueries page, byte* scratch);

    /// <summary>output = output · keep + weighted · take.</summary>
    public abstract void Blend(float* output, float keep, float* weighted, float take, int length);

    /// <summary>values = values · factor.</summary>
    public abstract void Multiply(float* values, float factor, long length);

    /// <summary>Brings a page's share into a head's output; pages come in order.</summary>
    public void Fold(bool first, float pageMaximum, float pageSum, float* weighted, ref float maximum, ref float sum, float* output, int size)
    {
        if (first)
        {
            (maximum, sum) = (pageMaximum, pageSum);
            new ReadOnlySpan<float>(weighted, size).CopyTo(new Span<float>(output, size));
            return;
        }

        float larger = pageMaximum > maximum ? pageMaximum : maximum;
        float keep = KernelMath.Exp(maximum - larger);
        float take = KernelMath.Exp(pageMaximum - larger);
        maximum = larger;
        sum = sum * keep + pageSum * take;
        Blend(output, keep, weighted, take, size);
    }

    /// <summary>What is left to do when all pages are in: a sink joins the sum, and the sum divides.</summary>
    public void Finish(float? sink, float maximum, float sum, float* output, int size)
    {
        if (sink is { } score)
        {
            float larger = score > maximum ? score : maximum;
            float keep = KernelMath.Exp(maximum - larger);
            sum = sum * keep + KernelMath.Exp(score - larger);
            Multiply(output, keep, size);
        }

        Multiply(output, KernelMath.Reciprocal(sum), size);
    }

    /// <summary>Floats of scratch that <see cref="TileFloat"/> needs.</summary>
    public virtual long FloatScratch(TileMatrix weights, int tokens) => 0;

    /// <summary>Bytes of scratch that <see cref="AttendPage"/> needs.</summary>
    public abstract long PageScratch(int keySize, int valueSize, int queries);
}
