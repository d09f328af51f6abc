namespace Swarm.Kernels.Cpu;

/// <summary>
/// Activations rounded to 8 bits in groups of 32, in blocks of at most <see cref="BlockTokens"/> tokens, which read the same matrices: within a block of n tokens
/// values are [groups][n][32]; scales dx, eight sums 8·Σq (what Q4_0's offset of 8 takes away) and shares float32(Σq)·dx (what Q4_1's minimum is
/// multiplied by) are [groups][n], and so are the sums of the first and the second 16 (what integer scales and minimums of 16 columns are multiplied by).
/// </summary>
internal sealed unsafe class QuantizedInput : IDisposable
{
    /// <summary>Tokens that share one reading of a tile's group; their accumulators stay in the first-level cache.</summary>
    public const int BlockTokens = 32;

    private readonly NativeBuffer _values = new();
    private readonly NativeBuffer _scales = new();
    private readonly NativeBuffer _eightSums = new();
    private readonly NativeBuffer _shares = new();
    private readonly NativeBuffer _halfSums = new();

    // The first token of each block, and one past the last; the block of each token.
    private int[] _firsts = new int[2];
    private int[] _blocks = new int[1];
    private int _tokens;

    public int Groups { get; private set; }

    /// <summary>Blocks that <see cref="Append"/> made.</summary>
    public int Blocks { get; private set; }

    /// <summary>Makes room for so many tokens in so many sets.</summary>
    public void Prepare(int tokens, int sets, int columns)
    {
        Groups = columns / 32;
        _tokens = Blocks = 0;
        if (_blocks.Length < tokens)
            _blocks = new int[(int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)tokens)];
        int blocks = tokens / BlockTokens + sets + 1;
        if (_firsts.Length < blocks)
            _firsts = new int[(int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)blocks)];
        _values.Require((long)tokens * columns);
        _scales.Require((long)tokens * Groups * sizeof(float));
        _eightSums.Require((long)tokens * Groups * sizeof(int));
        _shares.Require((long)tokens * Groups * sizeof(float));
        _halfSums.Require((long)tokens * Groups * sizeof(int));
    }

    /// <summary>The next tokens read matrices of their own; returns their first block.</summary>
    public int Append(int tokens)
    {
        int first = Blocks;
        for (int done = 0; done < tokens; done += BlockTokens)
        {
            int count = Math.Min(BlockTokens, tokens - done);
            _firsts[Blocks] = _tokens;
            _blocks.AsSpan(_tokens, count).Fill(Blocks);
            _tokens += count;
            _firsts[++Blocks] = _tokens;
        }

        return first;
    }

    public int BlockOf(int token) => _blocks[token];

    public int FirstToken(int block) => _firsts[block];

    public int BlockLength(int block) => _firsts[block + 1] - _firsts[block];

    public sbyte* Values(int block) => (sbyte*)_values.Pointer + (long)_firsts[block] * Groups * 32;

    public float* Scales(int block) => (float*)_scales.Pointer + (long)_firsts[block] * Groups;

    public int* EightSums(int block) => (int*)_eightSums.Pointer + (long)_firsts[block] * Groups;

    public float* Shares(int block) => (float*)_shares.Pointer + (long)_firsts[block] * Groups;

    /// <summary>The first sum in the low 16 bits, the second in the high ones.</summary>
    public int* HalfSums(int block) => (int*)_halfSums.Pointer + (long)_firsts[block] * Groups;

    public void Dispose()
    {
        _values.Dispose();
        _scales.Dispose();
        _eightSums.Dispose();
        _shares.Dispose();
        _halfSums.Dispose();
    }
}
