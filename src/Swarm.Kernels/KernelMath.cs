using System.Runtime.CompilerServices;

namespace Swarm.Kernels;

/// <summary>
/// Elementary functions of canonical-1 in float32, made of +, −, ×, comparisons and integer operations alone, each product and sum
/// rounded once, so that every processor gives the same bits (docs/canonical-1.md). NaN gives NaN.
/// </summary>
public static class KernelMath
{
    internal const float LogTwoE = 1.44269504f;
    internal const float LnTwoHigh = 0.693359375f; // 355/512: nine bits, so that a product with any |n| ≤ 2^15 is exact
    internal const float LnTwoLow = -2.12194440e-4f;
    internal const float RoundingMagic = 12582912f; // 1.5 × 2^23: adding it rounds to an integer, ties to even
    internal const int RoundingMagicBits = 0x4B400000;
    internal const float ExpLowest = -87.33654f;
    internal const float ExpHighest = 88.72283f;
    internal const float ExpC2 = 0.49999994f;
    internal const float ExpC3 = 0.16666521f;
    internal const float ExpC4 = 0.04166839f;
    internal const float ExpC5 = 0.008368745f;
    internal const float ExpC6 = 0.0013814538f;
    internal const float TanhMiddle = 0.625f;
    internal const float TanhC1 = -0.33333284f;
    internal const float TanhC2 = 0.13331491f;
    internal const float TanhC3 = -0.053743497f;
    internal const float TanhC4 = 0.020650588f;
    internal const float TanhC5 = -0.005717045f;
    internal const float NormalP = 0.3f;
    internal const float NormalFar = 16f;
    internal const float NormalC0 = 0.1196293f;
    internal const float NormalC1 = 0.12075394f;
    internal const float NormalC2 = 0.0999136f;
    internal const float NormalC3 = 0.1285614f;
    internal const float NormalC4 = -0.05368349f;
    internal const float NormalC5 = 0.20635362f;
    internal const float NormalC6 = -0.1572033f;
    internal const float NormalC7 = 0.03567486f;
    internal const float GeluLinear = 1.5957691f; // 2√(2/π)
    internal const float GeluCubic = 0.071354814f; // 0.044715 times that
    internal const float GeluSigmoidFactor = 1.702f;
    internal const uint ReciprocalGuess = 0x7EF311C7;
    internal const uint ReciprocalSqrtGuess = 0x5F3759DF;
    internal const uint SmallestNormal = 0x00800000;
    internal const uint ReciprocalLargest = 0x7E800000; // 2^126

    /// <summary>e^x within 2 units in the last place; +0 below −87.33654 (results would be subnormal), +∞ above 88.72283.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Exp(float x)
    {
        if (!(x >= ExpLowest))
            return float.IsNaN(x) ? float.NaN : 0f;
        if (x > ExpHighest)
            return float.PositiveInfinity;
        float shifted = x * LogTwoE + RoundingMagic;
        float n = shifted - RoundingMagic;
        float r = x - n * LnTwoHigh;
        r = r - n * LnTwoLow;
        float p = ExpC6;
        p = p * r + ExpC5;
        p = p * r + ExpC4;
        p = p * r + ExpC3;
        p = p * r + ExpC2;
        p = p * r + 1f;
        p = p * r + 1f;
        int exponent = BitConverter.SingleToInt32Bits(shifted) - RoundingMagicBits;
        return BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(p) + (exponent << 23));
    }

    /// <summary>1/x within 2 units in the last place for 2^-126 ≤ |x| ≤ 2^126; smaller gives ±∞, larger ±0 (sign of x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Reciprocal(float x)
    {
        uint bits = BitConverter.SingleToUInt32Bits(x);
        uint sign = bits & 0x80000000;
        uint magnitude = bits & 0x7FFFFFFF;
        if (magnitude > 0x7F800000)
            return float.NaN;
        if (magnitude < SmallestNormal)
            return BitConverter.UInt32BitsToSingle(sign | 0x7F800000);
        if (magnitude > ReciprocalLargest)
            return BitConverter.UInt32BitsToSingle(sign);
        float a = BitConverter.UInt32BitsToSingle(magnitude);
        float y = BitConverter.UInt32BitsToSingle(ReciprocalGuess - magnitude);
        y = NewtonReciprocal(a, y);
        y = NewtonReciprocal(a, y);
        y = NewtonReciprocal(a, y);
        return BitConverter.UInt32BitsToSingle(sign | BitConverter.SingleToUInt32Bits(y));
    }

    /// <summary>1/√x within 2 units in the last place for normal x &gt; 0; ±0 and subnormals of either sign give +∞, +∞ gives +0, other negatives NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float ReciprocalSqrt(float x)
    {
        uint bits = BitConverter.SingleToUInt32Bits(x);
        if ((bits & 0x7FFFFFFF) < SmallestNormal)
            return float.PositiveInfinity;
        if (bits > 0x7F800000)
            return float.NaN;
        if (bits == 0x7F800000)
            return 0f;
        float y = BitConverter.UInt32BitsToSingle(ReciprocalSqrtGuess - (bits >> 1));
        y = NewtonReciprocalSqrt(x, y);
        y = NewtonReciprocalSqrt(x, y);
        return NewtonReciprocalSqrt(x, y);
    }

    /// <summary>1/(1 + e^-x): with e = Exp(−|x|) and r = Reciprocal(1 + e), r for x ≥ 0, else e·r.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Sigmoid(float x)
    {
        float e = Exp(-MathF.Abs(x));
        float r = Reciprocal(1f + e);
        return x < 0f ? e * r : r;
    }

    /// <summary>The hyperbolic tangent within 3 units in the last place: below 0.625 a polynomial in x², from there on 1 − 2e/(1 + e) with e = Exp(−2|x|).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Tanh(float x)
    {
        float a = MathF.Abs(x);
        float result;
        if (a < TanhMiddle)
        {
            float z = a * a;
            float p = TanhC5;
            p = p * z + TanhC4;
            p = p * z + TanhC3;
            p = p * z + TanhC2;
            p = p * z + TanhC1;
            result = a + a * z * p;
        }
        else
        {
            float e = Exp(-(a + a));
            result = 1f - (e + e) * Reciprocal(1f + e);
        }

        return MathF.CopySign(result, x);
    }

    /// <summary>An activation of one value.</summary>
    public static float Activate(Activation activation, float x) => activation switch
    {
        Activation.Silu => Silu(x),
        Activation.Gelu => Gelu(x),
        Activation.GeluTanh => GeluTanh(x),
        Activation.GeluSigmoid => GeluSigmoid(x),
        Activation.Relu => Relu(x),
        _ => throw new ArgumentOutOfRangeException(nameof(activation), activation, "not an activation"),
    };

    /// <summary>x · sigmoid(x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static float Silu(float x) => x * Sigmoid(x);

    /// <summary>
    /// x · Φ(x) within 3e-7 · |x|: with a = min(|x|, 16) and t = Reciprocal(0.3a + 1), Φ(−a) = t · C(t) · Exp(−a²/2), C of degree 7 with a relative error of 1.5e-7.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static float Gelu(float x)
    {
        float a = MathF.Abs(x);
        a = a < NormalFar ? a : NormalFar;
        float t = Reciprocal(a * NormalP + 1f);
        float h = NormalC7;
        h = h * t + NormalC6;
        h = h * t + NormalC5;
        h = h * t + NormalC4;
        h = h * t + NormalC3;
        h = h * t + NormalC2;
        h = h * t + NormalC1;
        h = h * t + NormalC0;
        float part = x * (t * h * Exp(a * a * -0.5f));
        return x < 0f ? part : x - part;
    }

    /// <summary>x · sigmoid(2√(2/π)(x + 0.044715 x³)), which is x · (1 + tanh(…)) ÷ 2.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static float GeluTanh(float x) => x * Sigmoid(x * (x * x * GeluCubic + GeluLinear));

    /// <summary>x · sigmoid(1.702 x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static float GeluSigmoid(float x) => x * Sigmoid(x * GeluSigmoidFactor);

    /// <summary>0 where x &lt; 0, else x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static float Relu(float x) => x < 0f ? 0f : x;

    /// <summary>Integer nearest to x, ties to even, for |x| ≤ 2^22.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static int RoundToInt(float x) => BitConverter.SingleToInt32Bits(x + RoundingMagic) - RoundingMagicBits;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float NewtonReciprocal(float a, float y)
    {
        float error = 1f - a * y;
        return y + y * error;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float NewtonReciprocalSqrt(float x, float y)
    {
        float t = x * y;
        t = t * y;
        float error = 1f - t;
        return y + 0.5f * y * error;
    }
}
