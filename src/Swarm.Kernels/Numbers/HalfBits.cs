using System.Runtime.CompilerServices;

namespace Swarm.Kernels;

/// <summary>Conversions between binary32 and the 16-bit formats, on bits, so that every platform gives the same.</summary>
internal static class HalfBits
{
    /// <summary>The float32 of the same value; NaN stays NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ToSingle(ushort half)
    {
        // The 15 low bits, moved to float32's places, are the value × 2^-112 (subnormals too); the product below is exact.
        uint magnitude = (uint)(half & 0x7FFF) << 13;
        uint sign = (uint)(half & 0x8000) << 16;
        if (magnitude >= 0x0F800000)
            return BitConverter.UInt32BitsToSingle(sign | 0x7F800000 | magnitude);
        float value = BitConverter.UInt32BitsToSingle(magnitude) * 5192296858534827628530496329220096f; // 2^112
        return BitConverter.UInt32BitsToSingle(sign | BitConverter.SingleToUInt32Bits(value));
    }

    /// <summary>Nearest binary16, ties to even; beyond ±65504 (infinities too) saturates; NaN gives 0x7E00.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort FromSingle(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        uint magnitude = bits & 0x7FFFFFFF;
        uint sign = (bits >> 16) & 0x8000;
        if (magnitude >= 0x477FE000)
            return magnitude > 0x7F800000 ? (ushort)0x7E00 : (ushort)(sign | 0x7BFF);
        if (magnitude < 0x38800000)
        {
            // Below 2^-14 the result counts units of 2^-24, which is what the addition of 0.5 rounds to.
            float shifted = BitConverter.UInt32BitsToSingle(magnitude) + 0.5f;
            return (ushort)(sign | (BitConverter.SingleToUInt32Bits(shifted) - 0x3F000000));
        }

        uint rounded = magnitude + 0xFFF + ((magnitude >> 13) & 1);
        return (ushort)(sign | ((rounded - 0x38000000) >> 13));
    }

    /// <summary>The float32 whose upper half the bits are.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float FromBrain(ushort brain) => BitConverter.UInt32BitsToSingle((uint)brain << 16);
}
