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

    // Of each strip the first token, and how many.
    private (int First, int Count)[] _strips = new (int, int)[1];
    private int _tokens;

    public int Columns { get; private set; }

    /// <summary>Terms of a lane, padded.</summary>
    public int LaneLength => (Columns + 7) / 8;

    public int Strips { get; private set; }

    public float* Strip(int strip) => (float*)_values.Pointer + (long)strip * StripTokens * LaneLength * 8;

    /// <summary>Makes room for so many tokens in so many sets.</summary>
    public void Prepare(int tokens, int sets, int columns)
    {
        Columns = columns;
        _tokens = Strips = 0;
        int strips = tokens / StripTokens + sets;
        if (_strips.Length < strips)
            _strips = new (int, int)[(int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)strips)];
        _values.Require((long)strips * StripTokens * LaneLength * 8 * sizeof(float));
    }

    /// <summary>The next tokens read matrices of their own; returns their first strip.</summary>
    public int Append(int tokens)
    {
        int first = Strips;
        for (int done = 0; done < tokens; done += StripTokens)
            _strips[Strips++] = (_tokens + done, Math.Min(StripTokens, tokens - done));
        _tokens += tokens;
        return first;
    }

    /// <summary>The next tokens are so few that their products read them as they are.</summary>
    public void Skip(int tokens) => _tokens += tokens;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Fill(int strip, float* input)
    {
        float* to = Strip(strip);
        int length = LaneLength;
        new Span<float>(to, StripTokens * length * 8).Clear();
        (int first, int count) = _strips[strip];
        for (int token = 0; token < count; token++)
        {
            float* from = input + ((long)first + token) * Columns;
            for (int column = 0; column < Columns; column++)
                to[((column & 7) * length + (column >> 3)) * StripTokens + token] = from[column];
        }
    }

    public void Dispose() => _values.Dispose();
}
