using System.Runtime.CompilerServices;

namespace Swarm.Kernels.Cpu;

/// <summary>
/// Float activations turned for a product with many tokens: strips of 8 tokens, each [8 lanes][⌈columns ÷ 8⌉][8 tokens], so that the terms of one lane of the
/// canonical sum lie in a row and its accumulators stay in registers. Missing tokens and columns are zero: +0 added to a lane changes nothing.
/// </summary>
internal sealed unsafe class TransposedInput : IDisposable
{
    public const int StripTokens = 8;

    private readonly NativeBuffer _values = new();

    public int Tokens { get; private set; }

    public int Columns { get; private set; }

    /// <summary>Terms of a lane, padded.</summary>
    public int LaneLength => (Columns + 7) / 8;

    public int Strips => (Tokens + StripTokens - 1) / StripTokens;

    public float* Strip(int strip) => (float*)_values.Pointer + (long)strip * StripTokens * LaneLength * 8;

    public void Prepare(int tokens, int columns)
    {
        Tokens = tokens;
        Columns = columns;
        _values.Require((long)Strips * StripTokens * LaneLength * 8 * sizeof(float));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Fill(int strip, float* input)
    {
        float* to = Strip(strip);
        int length = LaneLength;
        new Span<float>(to, StripTokens * length * 8).Clear();
        int count = Math.Min(StripTokens, Tokens - strip * StripTokens);
        for (int token = 0; token < count; token++)
        {
            float* from = input + ((long)strip * StripTokens + token) * Columns;
            for (int column = 0; column < Columns; column++)
                to[((column & 7) * length + (column >> 3)) * StripTokens + token] = from[column];
        }
    }

    public void Dispose() => _values.Dispose();
}
