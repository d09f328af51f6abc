using System.Buffers.Binary;

namespace Swarm.Kernels;

/// <summary>
/// One stored group of a quantized format, taken apart: quanta as stored (unsigned, one a byte), an integer scale and an integer minimum for each 16 of them (1 and 0 where
/// the format has none), and what scales them, as bits. A value is d · scale · <see cref="Integer"/>, plus or minus its minimum.
/// </summary>
internal static class StoredGroup
{
    /// <summary>Values of the longest group.</summary>
    public const int MaxLength = 256;

    /// <summary>Values that share an integer scale.</summary>
    public const int ScaleLength = 16;

    // What a nibble of IQ4_NL and IQ4_XS stands for.
    private static ReadOnlySpan<sbyte> Curve => [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

    // Twice what a float of 4 bits (sign, 2 bits of exponent, 1 of fraction) stands for.
    private static ReadOnlySpan<sbyte> TinyFloats => [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];

    /// <summary>The integers that nibbles stand for, where they go by a table.</summary>
    public static ReadOnlySpan<sbyte> Table(WeightFormat format) => format == WeightFormat.MXFP4 ? TinyFloats : Curve;

    /// <summary>Whether a group has a minimum in float: added in Q4_1 and Q5_1, a factor of the integer minimums, to take away, in the others.</summary>
    public static bool HasMinimum(WeightFormat format) =>
        format is WeightFormat.Q4_1 or WeightFormat.Q5_1 or WeightFormat.Q2_K or WeightFormat.Q4_K or WeightFormat.Q5_K;

    /// <summary>Whether the minimums are integers of 16 or 32 values each.</summary>
    public static bool HasIntegerMinimums(WeightFormat format) => format is WeightFormat.Q2_K or WeightFormat.Q4_K or WeightFormat.Q5_K;

    /// <summary>The integer that a quantum stands for.</summary>
    public static int Integer(WeightFormat format, int quantum) => format switch
    {
        WeightFormat.Q8_0 => (sbyte)quantum,
        WeightFormat.Q4_0 => quantum - 8,
        WeightFormat.Q5_0 => quantum - 16,
        WeightFormat.Q3_K => quantum - 4,
        WeightFormat.Q6_K => quantum - 32,
        WeightFormat.IQ4_NL or WeightFormat.IQ4_XS => Curve[quantum],
        WeightFormat.MXFP4 => TinyFloats[quantum],
        _ => quantum,
    };

    /// <summary>Where in a stored group its scale stands.</summary>
    public static int ScaleOffset(WeightFormat format) => format switch
    {
        WeightFormat.Q2_K => 80,
        WeightFormat.Q3_K => 108,
        WeightFormat.Q6_K => 208,
        _ => 0,
    };

    /// <summary>Where its minimum stands, in formats that have one.</summary>
    public static int MinimumOffset(WeightFormat format) => ScaleOffset(format) + 2;

    /// <summary>Bits of the group's scale: of binary16, of MXFP4 the exponent.</summary>
    public static ushort ScaleBits(WeightFormat format, ReadOnlySpan<byte> stored) => format == WeightFormat.MXFP4 ? stored[0] : Half(stored, ScaleOffset(format));

    /// <summary>Bits of the group's minimum, where there is one.</summary>
    public static ushort MinimumBits(WeightFormat format, ReadOnlySpan<byte> stored) => Half(stored, MinimumOffset(format));

    /// <summary>The scale that the bits stand for. MXFP4's is halved, as its integers are doubled; its exponent 255 is NaN.</summary>
    public static float Scale(WeightFormat format, ushort bits)
    {
        if (format != WeightFormat.MXFP4)
            return HalfBits.ToSingle(bits);
        return bits == 255 ? float.NaN : BitConverter.UInt32BitsToSingle(bits < 2 ? 0x00200000u << bits : (uint)(bits - 1) << 23);
    }

    /// <summary>Takes a group apart.</summary>
    /// <param name="format">A quantized format.</param>
    /// <param name="stored">One group.</param>
    /// <param name="quanta">As many as the group has values.</param>
    /// <param name="scales">One for each 16 values.</param>
    /// <param name="minimums">Likewise.</param>
    public static void Read(WeightFormat format, ReadOnlySpan<byte> stored, Span<byte> quanta, Span<sbyte> scales, Span<byte> minimums)
    {
        scales.Fill(1);
        minimums.Clear();
        switch (format)
        {
            case WeightFormat.Q8_0:
                stored[2..].CopyTo(quanta);
                break;
            case WeightFormat.Q5_0 or WeightFormat.Q5_1:
                Nibbles(stored[^16..], quanta);
                uint fifth = BinaryPrimitives.ReadUInt32LittleEndian(stored[^20..]);
                for (int i = 0; i < 32; i++)
                    quanta[i] |= (byte)((fifth >> i & 1) << 4);
                break;
            case WeightFormat.Q2_K:
                Pairs(stored.Slice(16, 64), quanta);
                for (int i = 0; i < 16; i++)
                    (scales[i], minimums[i]) = ((sbyte)(stored[i] & 15), (byte)(stored[i] >> 4));
                break;
            case WeightFormat.Q3_K:
                Pairs(stored.Slice(32, 64), quanta);
                HighBits(stored[..32], 2, quanta);
                for (int i = 0; i < 16; i++)
                    scales[i] = (sbyte)(((stored[96 + i % 8] >> i / 8 * 4 & 15) | (stored[104 + i % 4] >> i / 4 * 2 & 3) << 4) - 32);
                break;
            case WeightFormat.Q4_K:
                ReadSix(stored.Slice(4, 12), scales, minimums);
                LongNibbles(stored.Slice(16, 128), quanta);
                break;
            case WeightFormat.Q5_K:
                ReadSix(stored.Slice(4, 12), scales, minimums);
                LongNibbles(stored.Slice(48, 128), quanta);
                HighBits(stored.Slice(16, 32), 4, quanta);
                break;
            case WeightFormat.Q6_K:
                ReadSixBits(stored, quanta);
                for (int i = 0; i < 16; i++)
                    scales[i] = (sbyte)stored[192 + i];
                break;
            case WeightFormat.IQ4_XS:
                int high = Half(stored, 2);
                for (int part = 0; part < 8; part++)
                {
                    int scale = (stored[4 + part / 2] >> part % 2 * 4 & 15) | (high >> 2 * part & 3) << 4;
                    scales.Slice(2 * part, 2).Fill((sbyte)(scale - 32));
                    Nibbles(stored.Slice(8 + 16 * part, 16), quanta.Slice(32 * part, 32));
                }

                break;
            default:
                Nibbles(stored[^16..], quanta);
                break;
        }
    }

    private static ushort Half(ReadOnlySpan<byte> stored, int offset) => BinaryPrimitives.ReadUInt16LittleEndian(stored[offset..]);

    // 16 bytes: value i low, value i + 16 high.
    private static void Nibbles(ReadOnlySpan<byte> stored, Span<byte> quanta)
    {
        for (int i = 0; i < 16; i++)
        {
            quanta[i] = (byte)(stored[i] & 15);
            quanta[i + 16] = (byte)(stored[i] >> 4);
        }
    }

    // 128 bytes; of each 32 the low nibbles, then the high ones.
    private static void LongNibbles(ReadOnlySpan<byte> stored, Span<byte> quanta)
    {
        for (int part = 0; part < 4; part++)
        {
            ReadOnlySpan<byte> from = stored.Slice(32 * part, 32);
            Span<byte> low = quanta.Slice(64 * part, 32), high = quanta.Slice(64 * part + 32, 32);
            for (int i = 0; i < 32; i++)
            {
                low[i] = (byte)(from[i] & 15);
                high[i] = (byte)(from[i] >> 4);
            }
        }
    }

    // 64 bytes; of each 32 the lowest pairs of bits, then the next.
    private static void Pairs(ReadOnlySpan<byte> stored, Span<byte> quanta)
    {
        for (int part = 0; part < 8; part++)
        {
            ReadOnlySpan<byte> from = stored.Slice(part / 4 * 32, 32);
            Span<byte> to = quanta.Slice(32 * part, 32);
            int shift = part % 4 * 2;
            for (int i = 0; i < 32; i++)
                to[i] = (byte)(from[i] >> shift & 3);
        }
    }

    // 32 bytes, bit p of which belongs to the p-th 32 values.
    private static void HighBits(ReadOnlySpan<byte> stored, int place, Span<byte> quanta)
    {
        for (int part = 0; part < 8; part++)
        {
            Span<byte> to = quanta.Slice(32 * part, 32);
            for (int i = 0; i < 32; i++)
                to[i] |= (byte)((stored[i] >> part & 1) << place);
        }
    }

    // 12 bytes: scales and minimums of 6 bits for 8 parts of 32.
    private static void ReadSix(ReadOnlySpan<byte> stored, Span<sbyte> scales, Span<byte> minimums)
    {
        for (int part = 0; part < 8; part++)
        {
            int scale = part < 4 ? stored[part] & 63 : (stored[part + 4] & 15) | (stored[part - 4] >> 6) << 4;
            int minimum = part < 4 ? stored[part + 4] & 63 : stored[part + 4] >> 4 | (stored[part] >> 6) << 4;
            scales.Slice(2 * part, 2).Fill((sbyte)scale);
            minimums.Slice(2 * part, 2).Fill((byte)minimum);
        }
    }

    // 128 bytes of nibbles, 64 of pairs of bits above them, each half of 128 values on its own.
    private static void ReadSixBits(ReadOnlySpan<byte> stored, Span<byte> quanta)
    {
        for (int half = 0; half < 2; half++)
        {
            ReadOnlySpan<byte> low = stored.Slice(64 * half, 64), high = stored.Slice(128 + 32 * half, 32);
            for (int part = 0; part < 4; part++)
            {
                ReadOnlySpan<byte> from = low.Slice(part % 2 * 32, 32);
                Span<byte> to = quanta.Slice(128 * half + 32 * part, 32);
                for (int i = 0; i < 32; i++)
                    to[i] = (byte)((from[i] >> part / 2 * 4 & 15) | (high[i] >> 2 * part & 3) << 4);
            }
        }
    }
}
