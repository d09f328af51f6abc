namespace Swarm.Kernels;

/// <summary>Rows of MXFP4 as checkpoints keep them: 16 bytes a group in one tensor, its exponents in another (OCP Microscaling Formats; gpt-oss).</summary>
public static class MicroscaledRows
{
    private const int GroupBytes = 16;
    private const int StoredBytes = 17;

    /// <summary>Writes whole groups in the layout of <see cref="WeightFormat.MXFP4"/>: the exponent before its values, column i beside column i + 16 instead of beside column i + 1.</summary>
    /// <param name="blocks">[groups][16]: column 2i in the low and column 2i + 1 in the high nibble of byte i.</param>
    /// <param name="scales">[groups]: biased exponents, 127 for 1.</param>
    /// <param name="stored">[groups][17], written; overlaps neither.</param>
    /// <exception cref="ArgumentException">The lengths do not match.</exception>
    public static void ToStored(ReadOnlySpan<byte> blocks, ReadOnlySpan<byte> scales, Span<byte> stored)
    {
        if (blocks.Length != (long)scales.Length * GroupBytes)
            throw new ArgumentException($"{blocks.Length} bytes of values, expected {(long)scales.Length * GroupBytes} for {scales.Length} exponents", nameof(blocks));
        if (stored.Length != (long)scales.Length * StoredBytes)
            throw new ArgumentException($"{stored.Length} bytes to fill, expected {(long)scales.Length * StoredBytes} for {scales.Length} exponents", nameof(stored));
        for (int group = 0; group < scales.Length; group++)
        {
            ReadOnlySpan<byte> from = blocks.Slice(group * GroupBytes, GroupBytes);
            Span<byte> to = stored.Slice(group * StoredBytes, StoredBytes);
            to[0] = scales[group];
            for (int i = 0; i < 8; i++)
            {
                int early = from[i], late = from[i + 8];
                to[1 + 2 * i] = (byte)((early & 15) | (late & 15) << 4);
                to[2 + 2 * i] = (byte)(early >> 4 | (late & 0xF0));
            }
        }
    }
}
