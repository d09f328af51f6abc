using System.Buffers.Binary;
using System.Runtime.Intrinsics.X86;

namespace Swarm.Kernels;

/// <summary>
/// Values to stored rows, the other way of <see cref="StoredRows"/>: byte for byte what the GGUF reference writes. Divisions and binary64 are the reference's; this runs
/// where a file is made or loaded, never in a forward pass.
/// </summary>
public static partial class WeightQuantizer
{
    /// <summary>Largest magnitude that the scales of every quantized format can hold: a Q4_0 scale is an eighth of it, in F16.</summary>
    public const float LargestMagnitude = 8 * 65504f;

    /// <summary>Writes rows of <paramref name="values"/> as <paramref name="format"/>.</summary>
    /// <param name="format">Layout to write.</param>
    /// <param name="values">Whole groups, finite.</param>
    /// <param name="stored">As many bytes as they take.</param>
    /// <exception cref="ArgumentException">The lengths do not match.</exception>
    public static void Quantize(WeightFormat format, ReadOnlySpan<float> values, Span<byte> stored)
    {
        if (WeightFormats.RowBytes(format, values.Length) != stored.Length)
            throw new ArgumentException($"{stored.Length} bytes to fill, expected {WeightFormats.RowBytes(format, values.Length)} for {values.Length} values of {format}", nameof(stored));
        int length = WeightFormats.GroupLength(format);
        int bytes = WeightFormats.GroupBytes(format);
        for (int group = 0; group < values.Length / length; group++)
            QuantizeGroup(format, values.Slice(group * length, length), stored.Slice(group * bytes, bytes));
    }

    private static void QuantizeGroup(WeightFormat format, ReadOnlySpan<float> values, Span<byte> stored)
    {
        switch (format)
        {
            case WeightFormat.F32:
                BinaryPrimitives.WriteSingleLittleEndian(stored, values[0]);
                break;
            case WeightFormat.F16:
                BinaryPrimitives.WriteHalfLittleEndian(stored, (Half)values[0]);
                break;
            case WeightFormat.BF16:
                BinaryPrimitives.WriteUInt16LittleEndian(stored, ToBrain(values[0]));
                break;
            case WeightFormat.Q8_0:
                QuantizeBytes(values, stored);
                break;
            case WeightFormat.Q4_0:
                QuantizeNibbles(values, stored);
                break;
            case WeightFormat.Q4_1:
                QuantizeFromMinimum(values, stored);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(format), format, "not a weight format");
        }
    }

    /// <summary>Bits of the nearest bfloat16, ties to even; NaN stays one.</summary>
    public static ushort ToBrain(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        if (float.IsNaN(value))
            return (ushort)((bits >> 16) | 0x40);
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    // d = max |x| ÷ 127; q to the nearest, ties away from zero.
    private static void QuantizeBytes(ReadOnlySpan<float> values, Span<byte> stored)
    {
        if (Avx2.IsSupported && UsesVectors)
        {
            QuantizeBytes256(values, stored);
            return;
        }

        float largest = 0;
        foreach (float value in values)
            largest = Math.Max(largest, Math.Abs(value));
        float scale = largest / 127;
        float inverse = Inverse(scale);
        BinaryPrimitives.WriteHalfLittleEndian(stored, (Half)scale);
        for (int i = 0; i < 32; i++)
            stored[2 + i] = (byte)(sbyte)MathF.Round(values[i] * inverse, MidpointRounding.AwayFromZero);
    }

    // d = (the value of the largest magnitude, the first of equal ones) ÷ −8, so that it is stored exactly as quantum 0.
    private static void QuantizeNibbles(ReadOnlySpan<float> values, Span<byte> stored)
    {
        if (Avx2.IsSupported && UsesVectors)
        {
            QuantizeNibbles256(values, stored);
            return;
        }

        float extreme = 0;
        foreach (float value in values)
            extreme = Math.Abs(value) > Math.Abs(extreme) ? value : extreme;
        float scale = extreme / -8;
        double inverse = Inverse(scale);
        BinaryPrimitives.WriteHalfLittleEndian(stored, (Half)scale);
        for (int i = 0; i < 16; i++)
            stored[2 + i] = (byte)(Nibble(values[i] * inverse + 8.5) | (Nibble(values[i + 16] * inverse + 8.5) << 4));
    }

    // d = (max − min) ÷ 15 above the minimum.
    private static void QuantizeFromMinimum(ReadOnlySpan<float> values, Span<byte> stored)
    {
        float least = float.PositiveInfinity, largest = float.NegativeInfinity;
        foreach (float value in values)
            (least, largest) = (Math.Min(least, value), Math.Max(largest, value));
        float scale = (largest - least) / 15;
        float inverse = Inverse(scale);
        BinaryPrimitives.WriteHalfLittleEndian(stored, (Half)scale);
        BinaryPrimitives.WriteHalfLittleEndian(stored[2..], (Half)least);
        for (int i = 0; i < 16; i++)
            stored[4 + i] = (byte)(Nibble((values[i] - least) * inverse + 0.5f) | (Nibble((values[i + 16] - least) * inverse + 0.5f) << 4));
    }

    // 0 also where a scale is so small that its inverse has no place: F16 holds it as 0 anyway.
    private static float Inverse(float scale) => float.IsFinite(1 / scale) ? 1 / scale : 0;

    private static int Nibble(double value) => Math.Clamp((int)value, 0, 15);
}
