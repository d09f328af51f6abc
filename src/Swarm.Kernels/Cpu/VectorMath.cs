using System.Runtime.CompilerServices;

namespace Swarm.Kernels.Cpu;

/// <summary><see cref="KernelMath"/> and <see cref="HalfBits"/> on vectors: the same operations in the same order, lane by lane.</summary>
internal static class VectorMath<TW, TV>
    where TW : struct, IWidth<TV>
    where TV : struct
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TV Exp(TV x)
    {
        TV shifted = TW.Add(TW.Mul(x, TW.All(KernelMath.LogTwoE)), TW.All(KernelMath.RoundingMagic));
        TV n = TW.Sub(shifted, TW.All(KernelMath.RoundingMagic));
        TV r = TW.Sub(x, TW.Mul(n, TW.All(KernelMath.LnTwoHigh)));
        r = TW.Sub(r, TW.Mul(n, TW.All(KernelMath.LnTwoLow)));
        TV p = TW.All(KernelMath.ExpC6);
        p = TW.Add(TW.Mul(p, r), TW.All(KernelMath.ExpC5));
        p = TW.Add(TW.Mul(p, r), TW.All(KernelMath.ExpC4));
        p = TW.Add(TW.Mul(p, r), TW.All(KernelMath.ExpC3));
        p = TW.Add(TW.Mul(p, r), TW.All(KernelMath.ExpC2));
        p = TW.Add(TW.Mul(p, r), TW.All(1f));
        p = TW.Add(TW.Mul(p, r), TW.All(1f));
        TV exponent = TW.ShiftLeft(TW.SubInt(shifted, TW.AllInt(KernelMath.RoundingMagicBits)), 23);
        TV result = TW.AddInt(p, exponent);
        result = TW.Select(TW.Less(x, TW.All(KernelMath.ExpLowest)), TW.AllInt(0), result);
        result = TW.Select(TW.Less(TW.All(KernelMath.ExpHighest), x), TW.All(float.PositiveInfinity), result);
        return TW.Select(TW.Same(x, x), result, x);
    }

    /// <summary>Without the corners: sigmoid asks only for 1 ≤ x ≤ 2^126 or NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TV Sigmoid(TV x)
    {
        TV e = Exp(TW.Or(x, TW.AllInt(int.MinValue)));
        TV y = ReciprocalOfFew(TW.Add(TW.All(1f), e));
        return TW.Select(TW.Less(x, TW.AllInt(0)), TW.Mul(e, y), y);
    }

    /// <summary>Both halves of the definition, and the one that holds.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TV Tanh(TV x)
    {
        TV a = TW.And(x, TW.AllInt(int.MaxValue));
        TV z = TW.Mul(a, a);
        TV p = TW.All(KernelMath.TanhC5);
        p = TW.Add(TW.Mul(p, z), TW.All(KernelMath.TanhC4));
        p = TW.Add(TW.Mul(p, z), TW.All(KernelMath.TanhC3));
        p = TW.Add(TW.Mul(p, z), TW.All(KernelMath.TanhC2));
        p = TW.Add(TW.Mul(p, z), TW.All(KernelMath.TanhC1));
        TV small = TW.Add(a, TW.Mul(TW.Mul(a, z), p));
        TV e = Exp(TW.Or(TW.Add(a, a), TW.AllInt(int.MinValue)));
        TV large = TW.Sub(TW.All(1f), TW.Mul(TW.Add(e, e), ReciprocalOfFew(TW.Add(TW.All(1f), e))));
        TV result = TW.Select(TW.Less(a, TW.All(KernelMath.TanhMiddle)), small, large);
        return TW.Or(result, TW.And(x, TW.AllInt(int.MinValue)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TV Gelu(TV x)
    {
        TV a = TW.And(x, TW.AllInt(0x7FFFFFFF));
        a = TW.Select(TW.Less(a, TW.All(KernelMath.NormalFar)), a, TW.All(KernelMath.NormalFar));
        TV t = ReciprocalOfFew(TW.Add(TW.Mul(a, TW.All(KernelMath.NormalP)), TW.All(1f)));
        TV h = TW.All(KernelMath.NormalC7);
        h = TW.Add(TW.Mul(h, t), TW.All(KernelMath.NormalC6));
        h = TW.Add(TW.Mul(h, t), TW.All(KernelMath.NormalC5));
        h = TW.Add(TW.Mul(h, t), TW.All(KernelMath.NormalC4));
        h = TW.Add(TW.Mul(h, t), TW.All(KernelMath.NormalC3));
        h = TW.Add(TW.Mul(h, t), TW.All(KernelMath.NormalC2));
        h = TW.Add(TW.Mul(h, t), TW.All(KernelMath.NormalC1));
        h = TW.Add(TW.Mul(h, t), TW.All(KernelMath.NormalC0));
        TV tail = TW.Mul(TW.Mul(t, h), Exp(TW.Mul(TW.Mul(a, a), TW.All(-0.5f))));
        TV part = TW.Mul(x, tail);
        return TW.Select(TW.Less(x, TW.AllInt(0)), part, TW.Sub(x, part));
    }

    /// <summary>float32 of binary16 bits, sign-extended to 32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TV FromHalf(TV shorts)
    {
        TV moved = TW.And(TW.ShiftLeft(shorts, 13), TW.AllInt(unchecked((int)0x8FFFE000)));
        TV special = TW.EqualInt(TW.And(moved, TW.AllInt(0x0F800000)), TW.AllInt(0x0F800000));
        TV scaled = TW.Mul(moved, TW.All(5192296858534827628530496329220096f));
        return TW.Or(scaled, TW.And(special, TW.AllInt(0x7F800000)));
    }

    /// <summary>The same for what is not infinite or NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TV FromFiniteHalf(TV shorts) =>
        TW.Mul(TW.And(TW.ShiftLeft(shorts, 13), TW.AllInt(unchecked((int)0x8FFFE000))), TW.All(5192296858534827628530496329220096f));

    /// <summary>Bits of binary16 in the low half of each lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TV ToHalf(TV value)
    {
        TV magnitude = TW.And(value, TW.AllInt(0x7FFFFFFF));
        TV sign = TW.And(TW.ShiftRight(value, 16), TW.AllInt(0x8000));
        TV odd = TW.And(TW.ShiftRight(magnitude, 13), TW.AllInt(1));
        TV rounded = TW.AddInt(TW.AddInt(magnitude, TW.AllInt(0xFFF - 0x38000000)), odd);
        TV normal = TW.ShiftRight(rounded, 13);
        TV small = TW.SubInt(TW.Add(magnitude, TW.All(0.5f)), TW.AllInt(0x3F000000));
        TV result = TW.Select(TW.GreaterInt(TW.AllInt(0x38800000), magnitude), small, normal);
        result = TW.Select(TW.GreaterInt(magnitude, TW.AllInt(0x477FDFFF)), TW.AllInt(0x7BFF), result);
        result = TW.Or(result, sign);
        return TW.Select(TW.GreaterInt(magnitude, TW.AllInt(0x7F800000)), TW.AllInt(0x7E00), result);
    }

    // 1/x without the corners, for 1 ≤ x ≤ 2^126 or NaN.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TV ReciprocalOfFew(TV x)
    {
        TV y = TW.SubInt(TW.AllInt((int)KernelMath.ReciprocalGuess), x);
        y = Newton(x, y);
        y = Newton(x, y);
        return Newton(x, y);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TV Newton(TV a, TV y)
    {
        TV error = TW.Sub(TW.All(1f), TW.Mul(a, y));
        return TW.Add(y, TW.Mul(y, error));
    }
}
