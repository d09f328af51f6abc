using System.Numerics;

namespace Swarm.Kernels.Codecs;

/// <summary>What is common to a token's integers.</summary>
/// <param name="Median">Upper half of the float32 bits of the token's median magnitude.</param>
/// <param name="Step">What an integer of 1 stands for.</param>
/// <param name="Shape">Which frequencies its classes have, 0…6.</param>
internal readonly record struct StepRow(ushort Median, float Step, int Shape);

/// <summary>
/// Rounds a token to integers: in units of a fraction of the token's median magnitude, to nearest even; from 4096 on to 12 significant bits. The scalar form and the
/// vector form give the same.
/// </summary>
internal static class StepQuantizer
{
    /// <summary>Tokens whose median (upper half of its bits) is outside 2^-80 … 2^80 are no case for steps.</summary>
    public const int LeastMedian = (127 - 80) << 7;

    public const int LargestMedian = (127 + 80) << 7;

    private const int InfiniteKey = 0x7F80;
    private const float ExactBelow = 4096f;
    private const uint LowBits = 0xFFF;

    // Values of at least four medians, in 256ths of all, from which on the next shape fits better.
    private static readonly int[] ShapeBounds = [5, 8, 13, 17, 22, 32];

    /// <summary>False for a token that is no case for steps: NaN or infinity in it, a median that is zero or extreme, too many huge values.</summary>
    public static bool TryQuantize(ReadOnlySpan<float> values, float fraction, Span<ushort> keys, Span<int> quanta, bool vector, out StepRow row)
    {
        row = default;
        int largest = vector ? VectorKeys(values, keys) : ScalarKeys(values, keys, 0);
        if (largest >= InfiniteKey)
            return false;
        int median = Select(keys, keys.Length / 2, vector);
        if (median is < LeastMedian or > LargestMedian)
            return false;
        float step = StepOf((ushort)median, fraction);
        float inverse = KernelMath.Reciprocal(step);
        int large = vector ? VectorQuanta(values, inverse, quanta) : ScalarQuanta(values, inverse, quanta, 0);
        if (large > values.Length / 8)
            return false;
        long heavy = keys.Length - CountBelow(keys, median + (2 << 7), vector);
        int shape = 0;
        while (shape < ShapeBounds.Length && heavy * 256 >= (long)ShapeBounds[shape] * values.Length)
            shape++;
        row = new StepRow((ushort)median, step, shape);
        return true;
    }

    /// <summary>What an integer of 1 stands for.</summary>
    public static float StepOf(ushort median, float fraction) => BitConverter.UInt32BitsToSingle((uint)median << 16) * fraction;

    /// <summary>The values that integers stand for.</summary>
    public static void Expand(ReadOnlySpan<int> quanta, float step, Span<float> values, bool vector)
    {
        int index = 0;
        if (vector)
        {
            for (; index + Vector<int>.Count <= quanta.Length; index += Vector<int>.Count)
                (Vector.ConvertToSingle(new Vector<int>(quanta[index..])) * new Vector<float>(step)).CopyTo(values[index..]);
        }

        for (; index < quanta.Length; index++)
            values[index] = quanta[index] * step;
    }

    // The key with so many keys below it, or equal and before it in order: found bit by bit from the highest.
    private static int Select(ReadOnlySpan<ushort> keys, int rank, bool vector)
    {
        int found = 0;
        for (int bit = 1 << 14; bit > 0; bit >>= 1)
        {
            if (CountBelow(keys, found | bit, vector) <= rank)
                found |= bit;
        }

        return found;
    }

    private static int CountBelow(ReadOnlySpan<ushort> keys, int bound, bool vector)
    {
        int count = 0;
        int index = 0;
        if (vector)
        {
            Vector<short> limit = new((short)Math.Min(bound, short.MaxValue));
            Vector<short> below = Vector<short>.Zero;
            for (; index + Vector<short>.Count <= keys.Length; index += Vector<short>.Count)
                below -= Vector.LessThan(Vector.AsVectorInt16(new Vector<ushort>(keys[index..])), limit);
            Vector.Widen(below, out Vector<int> lower, out Vector<int> upper);
            count = Vector.Sum(lower + upper);
        }

        for (; index < keys.Length; index++)
            count += keys[index] < bound ? 1 : 0;
        return count;
    }

    private static int ScalarKeys(ReadOnlySpan<float> values, Span<ushort> keys, int first)
    {
        int largest = 0;
        for (int index = first; index < values.Length; index++)
        {
            keys[index] = (ushort)((BitConverter.SingleToUInt32Bits(values[index]) >> 16) & 0x7FFF);
            largest = Math.Max(largest, keys[index]);
        }

        return largest;
    }

    private static int VectorKeys(ReadOnlySpan<float> values, Span<ushort> keys)
    {
        int index = 0;
        int width = Vector<uint>.Count;
        Vector<uint> mask = new(0x7FFF);
        Vector<uint> most = Vector<uint>.Zero;
        for (; index + (2 * width) <= values.Length; index += 2 * width)
        {
            Vector<uint> lower = (Vector.AsVectorUInt32(new Vector<float>(values[index..])) >>> 16) & mask;
            Vector<uint> upper = (Vector.AsVectorUInt32(new Vector<float>(values[(index + width)..])) >>> 16) & mask;
            most = Vector.Max(most, Vector.Max(lower, upper));
            Vector.Narrow(lower, upper).CopyTo(keys[index..]);
        }

        int largest = ScalarKeys(values, keys, index);
        for (int lane = 0; lane < width; lane++)
            largest = Math.Max(largest, (int)most[lane]);
        return largest;
    }

    // Gives how many are large.
    private static int ScalarQuanta(ReadOnlySpan<float> values, float inverse, Span<int> quanta, int first)
    {
        int large = 0;
        for (int index = first; index < values.Length; index++)
        {
            float scaled = Math.Min(MathF.Abs(values[index]) * inverse, StepClasses.Largest);
            uint bits = BitConverter.SingleToUInt32Bits(scaled);
            bits = (bits + (LowBits >> 1) + ((bits >> 12) & 1)) & ~LowBits;
            int magnitude = (int)(scaled < ExactBelow ? scaled + KernelMath.RoundingMagic - KernelMath.RoundingMagic : BitConverter.UInt32BitsToSingle(bits));
            large += magnitude >= StepClasses.Large ? 1 : 0;
            quanta[index] = values[index] < 0 ? -magnitude : magnitude;
        }

        return large;
    }

    private static int VectorQuanta(ReadOnlySpan<float> values, float inverse, Span<int> quanta)
    {
        int index = 0;
        Vector<float> factor = new(inverse);
        Vector<float> cap = new(StepClasses.Largest);
        Vector<float> magic = new(KernelMath.RoundingMagic);
        Vector<float> exactBelow = new(ExactBelow);
        Vector<uint> half = new(LowBits >> 1);
        Vector<int> firstLarge = new(StepClasses.Large - 1);
        Vector<int> large = Vector<int>.Zero;
        for (; index + Vector<float>.Count <= values.Length; index += Vector<float>.Count)
        {
            Vector<float> value = new(values[index..]);
            Vector<float> scaled = Vector.Min(Vector.Abs(value) * factor, cap);
            Vector<float> nearest = scaled + magic - magic;
            Vector<uint> bits = Vector.AsVectorUInt32(scaled);
            bits = (bits + half + ((bits >>> 12) & Vector<uint>.One)) & new Vector<uint>(~LowBits);
            Vector<int> magnitude = Vector.ConvertToInt32(
                Vector.ConditionalSelect(Vector.LessThan(scaled, exactBelow), nearest, Vector.AsVectorSingle(bits)));
            large -= Vector.GreaterThan(magnitude, firstLarge);
            Vector<int> sign = Vector.LessThan(value, Vector<float>.Zero);
            ((magnitude ^ sign) - sign).CopyTo(quanta[index..]);
        }

        return Vector.Sum(large) + ScalarQuanta(values, inverse, quanta, index);
    }
}
