using System.Buffers.Binary;
using Swarm.Kernels.Cpu;

namespace Swarm.Kernels.Codecs;

/// <summary>
/// A token's 8 largest magnitudes (fewer when it has fewer values; ties go to the lower index) apart, the rest in 8 bits under one scale:
/// hidden states have a few huge channels that would take all of the scale's range. Bytes: float32 scale; for each outlier, by
/// ascending index, uint16 index and F16 value; then one signed byte a value, 0 where an outlier stands. All little-endian. The
/// scale and the rounding are those of canonical-1's groups, over the values that are not apart.
/// </summary>
internal sealed class Int8Codec() : ActivationCodec("int8", 2)
{
    private const int Outliers = 8;

    private protected override int MaxTokenBytes(int hidden) => sizeof(float) + Math.Min(Outliers, hidden) * 4 + hidden;

    private protected override int EncodeToken(ReadOnlySpan<float> values, Span<byte> destination)
    {
        Span<int> apart = stackalloc int[Math.Min(Outliers, values.Length)];
        uint rest = FindOutliers(values, apart);
        (float scale, float inverse) = Scales(rest);
        BinaryPrimitives.WriteSingleLittleEndian(destination, scale);
        Span<byte> quanta = destination.Slice(sizeof(float) + apart.Length * 4, values.Length);
        Quantize(values, inverse, quanta);
        for (int i = 0; i < apart.Length; i++)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(destination[(4 + i * 4)..], (ushort)apart[i]);
            BinaryPrimitives.WriteUInt16LittleEndian(destination[(6 + i * 4)..], HalfBits.FromSingle(values[apart[i]]));
            quanta[apart[i]] = 0;
        }

        return MaxTokenBytes(values.Length);
    }

    private protected override string? DecodeToken(ReadOnlySpan<byte> source, Span<float> destination)
    {
        int outliers = Math.Min(Outliers, destination.Length);
        float scale = BinaryPrimitives.ReadSingleLittleEndian(source);
        if (scale < 0 || float.IsInfinity(scale))
            return $"scale is {scale}, expected 0 or positive and finite, or NaN";
        ReadOnlySpan<byte> quanta = source[(sizeof(float) + outliers * 4)..];
        if (quanta.Contains((byte)0x80))
            return $"quantum {quanta.IndexOf((byte)0x80)} is -128, expected -127…127";
        for (int i = 0; i < destination.Length; i++)
            destination[i] = (sbyte)quanta[i] * scale;
        int before = -1;
        for (int i = 0; i < outliers; i++)
        {
            int index = BinaryPrimitives.ReadUInt16LittleEndian(source[(4 + i * 4)..]);
            ushort half = BinaryPrimitives.ReadUInt16LittleEndian(source[(6 + i * 4)..]);
            if (index <= before || index >= destination.Length)
                return $"outlier {i} has index {index}, expected above {before} and below {destination.Length}";
            if (quanta[index] != 0)
                return $"quantum {index} is {(sbyte)quanta[index]} where an outlier stands, expected 0";
            if ((half & 0x7FFF) == 0x7C00)
                return $"outlier {i} is infinite, expected finite or NaN";
            destination[index] = HalfBits.ToSingle(half);
            before = index;
        }

        return null;
    }

    private protected override void RoundToken(Span<float> values)
    {
        Span<int> apart = stackalloc int[Math.Min(Outliers, values.Length)];
        Span<float> kept = stackalloc float[apart.Length];
        uint rest = FindOutliers(values, apart);
        for (int i = 0; i < apart.Length; i++)
            kept[i] = HalfBits.ToSingle(HalfBits.FromSingle(values[apart[i]]));
        (float scale, float inverse) = Scales(rest);
        for (int i = 0; i < values.Length; i++)
            values[i] = Quantum(values[i], inverse) * scale;
        for (int i = 0; i < apart.Length; i++)
            values[apart[i]] = kept[i];
    }

    // Bits of the largest magnitude of the rest give (scale, factor on values); a factor of NaN stands for all quanta 0.
    private static (float Scale, float Inverse) Scales(uint magnitude)
    {
        float largest = BitConverter.UInt32BitsToSingle(magnitude);
        if (magnitude >= 0x7F800000)
            return (float.NaN, float.NaN);
        return largest < ScalarOps.SmallestMaximum
            ? (0f, float.NaN)
            : (largest * ScalarOps.OneOver127, 127f * KernelMath.Reciprocal(largest));
    }

    private static void Quantize(ReadOnlySpan<float> values, float inverse, Span<byte> quanta)
    {
        for (int i = 0; i < values.Length; i++)
            quanta[i] = (byte)Quantum(values[i], inverse);
    }

    // Outliers pass here too, before they are overwritten: beyond the clamp their product may be anything, NaN included.
    private static int Quantum(float value, float inverse)
    {
        float scaled = value * inverse;
        return float.IsNaN(scaled) ? 0 : KernelMath.RoundToInt(Math.Clamp(scaled, -127f, 127f));
    }

    // Keeps the largest seen so far in order of (magnitude descending, index ascending); most values fail the first comparison.
    private static uint FindOutliers(ReadOnlySpan<float> values, Span<int> apart)
    {
        Span<uint> magnitudes = stackalloc uint[Outliers];
        int count = 0;
        uint rest = 0;
        for (int i = 0; i < values.Length; i++)
        {
            uint magnitude = BitConverter.SingleToUInt32Bits(values[i]) & 0x7FFFFFFF;
            if (count == apart.Length)
            {
                if (magnitude <= magnitudes[count - 1])
                {
                    rest = Math.Max(rest, magnitude);
                    continue;
                }

                rest = Math.Max(rest, magnitudes[--count]);
            }

            int place = count++;
            for (; place > 0 && magnitudes[place - 1] < magnitude; place--)
            {
                magnitudes[place] = magnitudes[place - 1];
                apart[place] = apart[place - 1];
            }

            magnitudes[place] = magnitude;
            apart[place] = i;
        }

        apart.Sort();
        return rest;
    }
}
