using System.Buffers.Binary;
using Swarm.Kernels;

namespace Swarm.Models.Files;

/// <summary>Seeded groups of quantized formats whose values have a wanted deviation: random quanta and integer scales under a scale that fits them.</summary>
internal static class RandomGroup
{
    /// <summary>Step of the counter from one number to the next.</summary>
    public const ulong Golden = 0x9E3779B97F4A7C15;

    /// <summary>The number of a counter (SplitMix64's output function).</summary>
    public static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }

    /// <summary>Value in [−1, 1) from the upper 24 bits.</summary>
    public static float Uniform(ulong random) => (int)(random >> 40) * (1f / (1 << 23)) - 1f;

    /// <summary>Writes one group.</summary>
    /// <param name="format">A quantized format.</param>
    /// <param name="group">Its bytes.</param>
    /// <param name="counter">Of the group's first number.</param>
    /// <param name="deviation">Standard deviation of the values.</param>
    public static void Write(WeightFormat format, Span<byte> group, ulong counter, float deviation)
    {
        ulong first = Mix(counter);
        (int offset, int header) = Header(format);
        Span<byte> before = group[..offset], after = group[(offset + header)..];
        FillBytes(before, ref counter);
        FillBytes(after, ref counter);
        Span<byte> scales = group.Slice(offset, header);
        if (format == WeightFormat.MXFP4)
        {
            scales[0] = PowerOfTwo(deviation / Spread(format), first);
            return;
        }

        // Scales vary by a quarter. Their sign takes out the mean that integers have where no minimum does.
        float scale = deviation / Spread(format) * (1 + 0.25f * Uniform(first));
        if ((first & 1) != 0)
            scale = -scale;
        BinaryPrimitives.WriteHalfLittleEndian(scales, (Half)scale);
        if (header == 4)
            BinaryPrimitives.WriteHalfLittleEndian(scales[2..], (Half)(Middle(format) * scale));
        MinimumsAsScales(format, group);
    }

    // Integer minimums equal the integer scales beside them, so that each 16 or 32 values have the mean zero: minimums of their own would be most of a row.
    private static void MinimumsAsScales(WeightFormat format, Span<byte> group)
    {
        if (format == WeightFormat.Q2_K)
        {
            foreach (ref byte both in group[..16])
                both = (byte)((both & 15) * 17);
        }
        else if (format is WeightFormat.Q4_K or WeightFormat.Q5_K)
        {
            group.Slice(4, 4).CopyTo(group.Slice(8, 4));
            foreach (ref byte both in group.Slice(12, 4))
                both = (byte)((both & 15) * 17);
        }
    }

    // Where scale and minimum stand, and how long they are together.
    private static (int Offset, int Length) Header(WeightFormat format) => format switch
    {
        WeightFormat.Q4_1 or WeightFormat.Q5_1 or WeightFormat.Q4_K or WeightFormat.Q5_K => (0, 4),
        WeightFormat.Q2_K => (80, 4),
        WeightFormat.Q3_K => (108, 2),
        WeightFormat.Q6_K => (208, 2),
        WeightFormat.MXFP4 => (0, 1),
        _ => (0, 2),
    };

    // Deviation of the integers, times that of the integer scales, where both are random bits.
    private static float Spread(WeightFormat format) => format switch
    {
        WeightFormat.Q8_0 => 73.9f,
        WeightFormat.Q5_0 or WeightFormat.Q5_1 => 9.23f,
        WeightFormat.Q2_K => 9.84f,
        WeightFormat.Q3_K => 43.3f,
        WeightFormat.Q4_K => 168.3f,
        WeightFormat.Q5_K => 337f,
        WeightFormat.Q6_K => 1366f,
        WeightFormat.IQ4_NL => 67.4f,
        WeightFormat.IQ4_XS => 1246f,
        WeightFormat.MXFP4 => 5.85f,
        _ => 4.61f,
    };

    // The minimum, in scales, that brings the mean to zero: the middle quantum, added by Q4_1 and Q5_1 and taken away by the others.
    private static float Middle(WeightFormat format) => format switch
    {
        WeightFormat.Q4_1 => -7.5f,
        WeightFormat.Q5_1 => -15.5f,
        WeightFormat.Q2_K => 1.5f,
        WeightFormat.Q4_K => 7.5f,
        _ => 15.5f,
    };

    // The exponent byte of one of the two neighbouring powers of two, so that the mean square is the scale's.
    private static byte PowerOfTwo(float scale, ulong random)
    {
        int exponent = (int)Math.Floor(Math.Log2(scale));
        double low = Math.Pow(2, exponent);
        bool upper = (Uniform(random) + 1) / 2 < (scale * scale / (low * low) - 1) / 3;
        return (byte)Math.Clamp(exponent + (upper ? 1 : 0) + 128, 0, 254);
    }

    private static void FillBytes(Span<byte> bytes, ref ulong counter)
    {
        Span<byte> last = stackalloc byte[8];
        for (; bytes.Length > 0; bytes = bytes[Math.Min(8, bytes.Length)..])
        {
            counter += Golden;
            BinaryPrimitives.WriteUInt64LittleEndian(last, Mix(counter));
            last[..Math.Min(8, bytes.Length)].CopyTo(bytes);
        }
    }
}
