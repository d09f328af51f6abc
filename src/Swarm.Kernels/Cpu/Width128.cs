using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Swarm.Kernels.Cpu;

/// <summary>128 bits: SSE on x86, NEON on Arm, else what the runtime makes of the portable form.</summary>
internal readonly unsafe struct Width128 : IWidth<Vector128<byte>>
{
    public static CpuWidth Width => CpuWidth.Vector128;

    public static int Lanes => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Load(void* from) => Vector128.Load((byte*)from);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(void* to, Vector128<byte> value) => value.Store((byte*)to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> All(float value) => Vector128.Create(value).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> AllInt(int value) => Vector128.Create(value).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Add(Vector128<byte> a, Vector128<byte> b) => (a.AsSingle() + b.AsSingle()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Sub(Vector128<byte> a, Vector128<byte> b) => (a.AsSingle() - b.AsSingle()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Mul(Vector128<byte> a, Vector128<byte> b) => (a.AsSingle() * b.AsSingle()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Less(Vector128<byte> a, Vector128<byte> b) => Vector128.LessThan(a.AsSingle(), b.AsSingle()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Same(Vector128<byte> a, Vector128<byte> b) => Vector128.Equals(a.AsSingle(), b.AsSingle()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> AddInt(Vector128<byte> a, Vector128<byte> b) => (a.AsInt32() + b.AsInt32()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> SubInt(Vector128<byte> a, Vector128<byte> b) => (a.AsInt32() - b.AsInt32()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> MaxInt(Vector128<byte> a, Vector128<byte> b) => Vector128.Max(a.AsInt32(), b.AsInt32()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> GreaterInt(Vector128<byte> a, Vector128<byte> b) => Vector128.GreaterThan(a.AsInt32(), b.AsInt32()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> EqualInt(Vector128<byte> a, Vector128<byte> b) => Vector128.Equals(a.AsInt32(), b.AsInt32()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> ShiftLeft(Vector128<byte> value, int bits) => (value.AsInt32() << bits).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> ShiftRight(Vector128<byte> value, int bits) => (value.AsInt32() >>> bits).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> And(Vector128<byte> a, Vector128<byte> b) => a & b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Or(Vector128<byte> a, Vector128<byte> b) => a | b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Select(Vector128<byte> mask, Vector128<byte> a, Vector128<byte> b) => Vector128.ConditionalSelect(mask, a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> ToFloat(Vector128<byte> ints) => Vector128.ConvertToSingle(ints.AsInt32()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> AddShort(Vector128<byte> a, Vector128<byte> b) => (a.AsInt16() + b.AsInt16()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> PairsUnsigned(Vector128<byte> w, Vector128<byte> x)
    {
        // At most 15 × 127 twice: far from where the instruction saturates.
        if (Ssse3.IsSupported)
            return Ssse3.MultiplyAddAdjacent(w, x.AsSByte()).AsByte();
        return PairsSigned(w, w, x);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Magnitude(Vector128<byte> w) => Vector128.Abs(w.AsSByte()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> PairsSigned(Vector128<byte> w, Vector128<byte> magnitude, Vector128<byte> x)
    {
        // |w| × (x with w's sign): at most 128 × 127 twice = 32,512, which int16 holds.
        if (Ssse3.IsSupported)
            return Ssse3.MultiplyAddAdjacent(magnitude, Ssse3.Sign(x.AsSByte(), w.AsSByte())).AsByte();
        if (AdvSimd.Arm64.IsSupported)
        {
            Vector128<short> low = AdvSimd.MultiplyWideningLower(w.AsSByte().GetLower(), x.AsSByte().GetLower());
            Vector128<short> high = AdvSimd.MultiplyWideningUpper(w.AsSByte(), x.AsSByte());
            return AdvSimd.Arm64.AddPairwise(low, high).AsByte();
        }

        return PairsPortable(w, x);
    }

    /// <summary>The pairs without special instructions.</summary>
    internal static Vector128<byte> PairsPortable(Vector128<byte> w, Vector128<byte> x)
    {
        (Vector128<short> wLow, Vector128<short> wHigh) = Vector128.Widen(w.AsSByte());
        (Vector128<short> xLow, Vector128<short> xHigh) = Vector128.Widen(x.AsSByte());
        return Vector128.Narrow(AddNeighbours(wLow * xLow), AddNeighbours(wHigh * xHigh)).AsByte();
    }

    public static bool HasDot => AvxVnni.IsSupported || Dp.IsSupported;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> DotUnsigned(Vector128<byte> sum, Vector128<byte> w, Vector128<byte> x)
    {
        if (AvxVnni.IsSupported)
            return AvxVnni.MultiplyWideningAndAdd(sum.AsInt32(), w, x.AsSByte()).AsByte();
        if (Dp.IsSupported)
            return Dp.DotProduct(sum.AsInt32(), w.AsSByte(), x.AsSByte()).AsByte();
        return AddInt(sum, SumPairs(PairsUnsigned(w, x)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> DotSigned(Vector128<byte> sum, Vector128<byte> w, Vector128<byte> magnitude, Vector128<byte> x)
    {
        if (AvxVnni.IsSupported)
            return AvxVnni.MultiplyWideningAndAdd(sum.AsInt32(), magnitude, Ssse3.Sign(x.AsSByte(), w.AsSByte())).AsByte();
        if (Dp.IsSupported)
            return Dp.DotProduct(sum.AsInt32(), w.AsSByte(), x.AsSByte()).AsByte();
        return AddInt(sum, SumPairs(PairsSigned(w, magnitude, x)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> SumPairs(Vector128<byte> shorts)
    {
        if (Sse2.IsSupported)
            return Sse2.MultiplyAddAdjacent(shorts.AsInt16(), Vector128<short>.One).AsByte();
        if (AdvSimd.IsSupported)
            return AdvSimd.AddPairwiseWidening(shorts.AsInt16()).AsByte();
        return AddNeighbours(shorts.AsInt16()).AsByte();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> MulPairs(Vector128<byte> a, Vector128<byte> b)
    {
        if (Sse2.IsSupported)
            return Sse2.MultiplyAddAdjacent(a.AsInt16(), b.AsInt16()).AsByte();
        (Vector128<int> aLow, Vector128<int> aHigh) = Vector128.Widen(a.AsInt16());
        (Vector128<int> bLow, Vector128<int> bHigh) = Vector128.Widen(b.AsInt16());
        Vector128<int> low = aLow * bLow, high = aHigh * bHigh;
        if (AdvSimd.Arm64.IsSupported)
            return AdvSimd.Arm64.AddPairwise(low, high).AsByte();
        return (Vector128.Create(low[0], low[2], high[0], high[2]) + Vector128.Create(low[1], low[3], high[1], high[3])).AsByte();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> ShiftShorts(Vector128<byte> shorts, int bits) => (shorts.AsInt16() << bits).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> TwiceLow(Vector128<byte> pairs) => Vector128.Shuffle(pairs, Vector128.Create((byte)0, 1, 0, 1, 4, 5, 4, 5, 8, 9, 8, 9, 12, 13, 12, 13));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> TwiceHigh(Vector128<byte> pairs) => Vector128.Shuffle(pairs, Vector128.Create((byte)2, 3, 2, 3, 6, 7, 6, 7, 10, 11, 10, 11, 14, 15, 14, 15));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Lookup(ReadOnlySpan<sbyte> table, Vector128<byte> indices)
    {
        Vector128<byte> entries = Vector128.Create(table).AsByte();
        if (Ssse3.IsSupported)
            return Ssse3.Shuffle(entries, indices);
        if (AdvSimd.Arm64.IsSupported)
            return AdvSimd.Arm64.VectorTableLookup(entries, indices);
        return Vector128.Shuffle(entries, indices);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> LoadBytes(void* from) =>
        Vector128.WidenLower(Vector128.WidenLower(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<uint>(from)).AsByte())).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> LoadBytePairs(void* from) => Vector128.WidenLower(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<ulong>(from)).AsSByte()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> LoadShorts(void* from) => Vector128.WidenLower(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<ulong>(from)).AsInt16()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreShorts(void* to, Vector128<byte> ints) =>
        Unsafe.WriteUnaligned(to, Vector128.Narrow(ints.AsInt32(), ints.AsInt32()).AsUInt64().ToScalar());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(void* to, Vector128<byte> ints)
    {
        Vector128<short> shorts = Vector128.Narrow(ints.AsInt32(), ints.AsInt32());
        Unsafe.WriteUnaligned(to, Vector128.Narrow(shorts, shorts).AsUInt32().ToScalar());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int MaxAcross(Vector128<byte> ints)
    {
        Vector128<int> value = ints.AsInt32();
        value = Vector128.Max(value, Vector128.Shuffle(value, Vector128.Create(2, 3, 0, 1)));
        return Vector128.Max(value, Vector128.Shuffle(value, Vector128.Create(1, 0, 3, 2))).ToScalar();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int SumAcross(Vector128<byte> ints) => Vector128.Sum(ints.AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> AddNeighbours(Vector128<short> shorts)
    {
        Vector128<int> both = shorts.AsInt32();
        return ((both << 16) >> 16) + (both >> 16);
    }
}
