namespace Swarm.Kernels.Cpu;

/// <summary>
/// Where what belongs to 16 rows and 32 columns of a quantized format lies in a tile. A head serves <see cref="Groups"/> groups: 16 scales, then 16 minimums where the format has
/// them. After it come their bodies, each of it
/// <list type="number">
/// <item>integer scales and minimums, for each row: Q4_K and Q5_K scale, minimum; Q6_K, Q3_K and IQ4_XS a signed byte for the first and the second 16 columns; Q2_K likewise, scale in the
/// low and minimum in the high nibble;</item>
/// <item>high bits of quanta, in blocks of 64 bytes: one block of Q5_0, Q5_1, Q5_K and Q3_K, bit q of byte row·4 + j of which is for column 4q + j; two of Q6_K, bits 2i and 2i + 1 of
/// block b for column 16b + 4i + j;</item>
/// <item>low bits of quanta in such blocks: of 8 bits eight (byte row·4 + j of block g is column 4g + j), of 4 bits four (columns 8g + j in the low, 8g + 4 + j in the high nibble),
/// of 2 bits two (bits 2i and 2i + 1 of block b for column 16b + 4i + j).</item>
/// </list>
/// </summary>
/// <param name="HeadBytes">Bytes of a head.</param>
/// <param name="Groups">Groups that share it.</param>
/// <param name="ScaleBytes">Bytes of the integer scales of a group.</param>
/// <param name="HighBytes">Bytes of the high bits of a group.</param>
/// <param name="LowBytes">Bytes of the low bits of a group.</param>
internal readonly record struct TileLayout(int HeadBytes, int Groups, int ScaleBytes, int HighBytes, int LowBytes)
{
    public int BodyBytes => ScaleBytes + HighBytes + LowBytes;

    public static TileLayout Of(WeightFormat format) => format switch
    {
        WeightFormat.Q8_0 => new(32, 1, 0, 0, 512),
        WeightFormat.Q4_0 or WeightFormat.IQ4_NL => new(32, 1, 0, 0, 256),
        WeightFormat.Q4_1 => new(64, 1, 0, 0, 256),
        WeightFormat.Q5_0 => new(32, 1, 0, 64, 256),
        WeightFormat.Q5_1 => new(64, 1, 0, 64, 256),
        WeightFormat.Q2_K => new(64, 8, 32, 0, 128),
        WeightFormat.Q3_K => new(32, 8, 32, 64, 128),
        WeightFormat.Q4_K => new(64, 8, 32, 0, 256),
        WeightFormat.Q5_K => new(64, 8, 32, 64, 256),
        WeightFormat.Q6_K => new(32, 8, 32, 128, 256),
        WeightFormat.IQ4_XS => new(32, 8, 32, 0, 256),
        WeightFormat.MXFP4 => new(16, 1, 0, 0, 256),
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "not a quantized format"),
    };

    /// <summary>Bytes from the start of a tile to the head of a group.</summary>
    public long HeadOffset(int group) => group / Groups * (long)(HeadBytes + Groups * BodyBytes);

    /// <summary>Bytes from the start of a tile to the body of a group.</summary>
    public long BodyOffset(int group) => HeadOffset(group) + HeadBytes + group % Groups * (long)BodyBytes;
}
