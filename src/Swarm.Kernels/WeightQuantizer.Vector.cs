using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Swarm.Kernels;

/// <summary>The two formats that whole models are brought to while they are loaded, eight values at a time: the operations of the scalar forms, one for one, so the same bytes.</summary>
public static partial class WeightQuantizer
{
    /// <summary>For tests: false takes the scalar forms.</summary>
    [field: ThreadStatic]
    internal static bool Scalar { get; set; }

    private static bool UsesVectors => !Scalar;

    /// <summary>Whether every value is a number of at most <see cref="LargestMagnitude"/>.</summary>
    public static bool CanQuantize(ReadOnlySpan<float> values)
    {
        int i = 0;
        if (Vector.IsHardwareAccelerated)
        {
            Vector<float> most = new(LargestMagnitude);
            for (; i <= values.Length - Vector<float>.Count; i += Vector<float>.Count)
            {
                // False for NaN, too.
                if (!Vector.LessThanOrEqualAll(Vector.Abs(new Vector<float>(values[i..])), most))
                    return false;
            }
        }

        for (; i < values.Length; i++)
        {
            if (!(Math.Abs(values[i]) <= LargestMagnitude))
                return false;
        }

        return true;
    }

    private static void QuantizeBytes256(ReadOnlySpan<float> values, Span<byte> stored)
    {
        (Vector256<float> a, Vector256<float> b, Vector256<float> c, Vector256<float> d) = Load(values);
        float scale = LargestOf(a, b, c, d) / 127;
        float inverse = Inverse(scale);
        BinaryPrimitives.WriteHalfLittleEndian(stored, (Half)scale);
        Vector256<short> low = Vector256.Narrow(Rounded(a, inverse), Rounded(b, inverse));
        Vector256<short> high = Vector256.Narrow(Rounded(c, inverse), Rounded(d, inverse));
        Vector256.Narrow(low, high).AsByte().CopyTo(stored[2..]);
    }

    private static void QuantizeNibbles256(ReadOnlySpan<float> values, Span<byte> stored)
    {
        (Vector256<float> a, Vector256<float> b, Vector256<float> c, Vector256<float> d) = Load(values);
        float extreme = FirstExtreme(values, LargestOf(a, b, c, d));
        float scale = extreme / -8;
        double inverse = Inverse(scale);
        BinaryPrimitives.WriteHalfLittleEndian(stored, (Half)scale);
        Vector256<double> by = Vector256.Create(inverse);
        Vector128<byte> low = Narrow(Nibbles(a, by), Nibbles(b, by));
        Vector128<byte> high = Narrow(Nibbles(c, by), Nibbles(d, by));
        (low | (high << 4)).CopyTo(stored[2..]);
    }

    private static (Vector256<float> A, Vector256<float> B, Vector256<float> C, Vector256<float> D) Load(ReadOnlySpan<float> values)
    {
        ref float first = ref MemoryMarshal.GetReference(values[..32]);
        return (Vector256.LoadUnsafe(ref first), Vector256.LoadUnsafe(ref first, 8), Vector256.LoadUnsafe(ref first, 16), Vector256.LoadUnsafe(ref first, 24));
    }

    private static float LargestOf(Vector256<float> a, Vector256<float> b, Vector256<float> c, Vector256<float> d)
    {
        Vector256<float> all = Vector256.Max(Vector256.Max(Vector256.Abs(a), Vector256.Abs(b)), Vector256.Max(Vector256.Abs(c), Vector256.Abs(d)));
        Vector128<float> four = Vector128.Max(all.GetLower(), all.GetUpper());
        Vector128<float> two = Vector128.Max(four, Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1)));
        return Math.Max(two[0], two[1]);
    }

    // The first value of the largest magnitude; 0 where all are.
    private static float FirstExtreme(ReadOnlySpan<float> values, float largest)
    {
        if (largest == 0)
            return 0;
        Vector256<float> wanted = Vector256.Create(largest);
        for (int i = 0; i < 32; i += 8)
        {
            uint equal = Vector256.Equals(Vector256.Abs(Vector256.Create(values.Slice(i, 8))), wanted).ExtractMostSignificantBits();
            if (equal != 0)
                return values[i + BitOperations.TrailingZeroCount(equal)];
        }

        return 0;
    }

    // To the nearest integer, ties away from zero; each step is exact.
    private static Vector256<int> Rounded(Vector256<float> values, float inverse)
    {
        Vector256<float> scaled = values * inverse;
        Vector256<float> magnitude = Vector256.Abs(scaled);
        Vector256<float> floor = Vector256.Floor(magnitude);
        Vector256<float> rounded = floor + Vector256.Floor(2 * (magnitude - floor));
        return Vector256.ConvertToInt32Native(Vector256.CopySign(rounded, scaled));
    }

    // Eight values × the inverse + 8.5 in binary64, cut to integers of 0 to 15.
    private static Vector128<short> Nibbles(Vector256<float> values, Vector256<double> inverse) =>
        Vector128.Narrow(FourNibbles(values.GetLower(), inverse), FourNibbles(values.GetUpper(), inverse));

    private static Vector128<int> FourNibbles(Vector128<float> values, Vector256<double> inverse)
    {
        Vector256<double> scaled = (Avx.ConvertToVector256Double(values) * inverse) + Vector256.Create(8.5);
        return Vector128.Clamp(Avx.ConvertToVector128Int32WithTruncation(scaled), Vector128<int>.Zero, Vector128.Create(15));
    }

    private static Vector128<byte> Narrow(Vector128<short> low, Vector128<short> high) => Vector128.Narrow(low.AsUInt16(), high.AsUInt16());
}
