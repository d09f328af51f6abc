namespace Swarm.Kernels.Cpu;

/// <summary>
/// Activations rounded to 8 bits in groups of 32, in blocks of at most <see cref="BlockTokens"/> tokens: within a block of n tokens
/// values are [groups][n][32]; scales dx, eight sums 8·Σq (what Q4_0's offset of 8 takes away) and shares float32(Σq)·dx (what Q4_1's minimum is
/// multiplied by) are [groups][n].
/// </summary>
internal sealed unsafe class QuantizedInput : IDisposable
{
    /// <summary>Tokens that share one reading of a tile's group; their accumulators stay in the first-level cache.</summary>
    public const int BlockTokens = 32;

    private readonly NativeBuffer _values = new();
    private readonly NativeBuffer _scales = new();
    private readonly NativeBuffer _eightSums = new();
    private readonly NativeBuffer _shares = new();

    public int Tokens { get; private set; }

    public int Groups { get; private set; }

    public void Prepare(int tokens, int columns)
    {
        Tokens = tokens;
        Groups = columns / 32;
        _values.Require((long)tokens * columns);
        _scales.Require((long)tokens * Groups * sizeof(float));
        _eightSums.Require((long)tokens * Groups * sizeof(int));
        _shares.Require((long)tokens * Groups * sizeof(float));
    }

    public int BlockLength(int block) => Math.Min(BlockTokens, Tokens - block * BlockTokens);

    public sbyte* Values(int block) => (sbyte*)_values.Pointer + (long)block * BlockTokens * Groups * 32;

    public float* Scales(int block) => (float*)_scales.Pointer + (long)block * BlockTokens * Groups;

    public int* EightSums(int block) => (int*)_eightSums.Pointer + (long)block * BlockTokens * Groups;

    public float* Shares(int block) => (float*)_shares.Pointer + (long)block * BlockTokens * Groups;

    public void Dispose()
    {
        _values.Dispose();
        _scales.Dispose();
        _eightSums.Dispose();
        _shares.Dispose();
    }
}
