using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Swarm.Kernels.Cpu;

/// <summary>256 bits: AVX2.</summary>
internal readonly unsafe struct Width256 : IWidth<Vector256<byte>>
{
    public static CpuWidth Width => CpuWidth.Vector256;

    public static int Lanes => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Load(void* from) => Vector256.Load((byte*)from);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(void* to, Vector256<byte> value) => value.Store((byte*)to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> All(float value) => Vector256.Create(value).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> AllInt(int value) => Vector256.Create(value).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Add(Vector256<byte> a, Vector256<byte> b) => (a.AsSingle() + b.AsSingle()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Sub(Vector256<byte> a, Vector256<byte> b) => (a.AsSingle() - b.AsSingle()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Mul(Vector256<byte> a, Vector256<byte> b) => (a.AsSingle() * b.AsSingle()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Less(Vector256<byte> a, Vector256<byte> b) => Vector256.LessThan(a.AsSingle(), b.AsSingle()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Same(Vector256<byte> a, Vector256<byte> b) => Vector256.Equals(a.AsSingle(), b.AsSingle()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> AddInt(Vector256<byte> a, Vector256<byte> b) => (a.AsInt32() + b.AsInt32()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> SubInt(Vector256<byte> a, Vector256<byte> b) => (a.AsInt32() - b.AsInt32()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> MaxInt(Vector256<byte> a, Vector256<byte> b) => Vector256.Max(a.AsInt32(), b.AsInt32()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> GreaterInt(Vector256<byte> a, Vector256<byte> b) => Vector256.GreaterThan(a.AsInt32(), b.AsInt32()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> EqualInt(Vector256<byte> a, Vector256<byte> b) => Vector256.Equals(a.AsInt32(), b.AsInt32()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> ShiftLeft(Vector256<byte> value, int bits) => (value.AsInt32() << bits).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> ShiftRight(Vector256<byte> value, int bits) => (value.AsInt32() >>> bits).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> And(Vector256<byte> a, Vector256<byte> b) => a & b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Or(Vector256<byte> a, Vector256<byte> b) => a | b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Select(Vector256<byte> mask, Vector256<byte> a, Vector256<byte> b) => Vector256.ConditionalSelect(mask, a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> ToFloat(Vector256<byte> ints) => Vector256.ConvertToSingle(ints.AsInt32()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> AddShort(Vector256<byte> a, Vector256<byte> b) => (a.AsInt16() + b.AsInt16()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> PairsUnsigned(Vector256<byte> w, Vector256<byte> x)
    {
        if (Avx2.IsSupported)
            return Avx2.MultiplyAddAdjacent(w, x.AsSByte()).AsByte();
        return Vector256.Create(Width128.PairsUnsigned(w.GetLower(), x.GetLower()), Width128.PairsUnsigned(w.GetUpper(), x.GetUpper()));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Magnitude(Vector256<byte> w) => Vector256.Abs(w.AsSByte()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> PairsSigned(Vector256<byte> w, Vector256<byte> magnitude, Vector256<byte> x)
    {
        if (Avx2.IsSupported)
            return Avx2.MultiplyAddAdjacent(magnitude, Avx2.Sign(x.AsSByte(), w.AsSByte())).AsByte();
        return Vector256.Create(Width128.PairsSigned(w.GetLower(), magnitude.GetLower(), x.GetLower()), Width128.PairsSigned(w.GetUpper(), magnitude.GetUpper(), x.GetUpper()));
    }

    public static bool HasDot => AvxVnni.IsSupported;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> DotUnsigned(Vector256<byte> sum, Vector256<byte> w, Vector256<byte> x)
    {
        if (AvxVnni.IsSupported)
            return AvxVnni.MultiplyWideningAndAdd(sum.AsInt32(), w, x.AsSByte()).AsByte();
        return AddInt(sum, SumPairs(PairsUnsigned(w, x)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> DotSigned(Vector256<byte> sum, Vector256<byte> w, Vector256<byte> magnitude, Vector256<byte> x)
    {
        // |w| is at most 128 and unsigned here; four products are added without saturation.
        if (AvxVnni.IsSupported)
            return AvxVnni.MultiplyWideningAndAdd(sum.AsInt32(), magnitude, Avx2.Sign(x.AsSByte(), w.AsSByte())).AsByte();
        return AddInt(sum, SumPairs(PairsSigned(w, magnitude, x)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> SumPairs(Vector256<byte> shorts)
    {
        if (Avx2.IsSupported)
            return Avx2.MultiplyAddAdjacent(shorts.AsInt16(), Vector256<short>.One).AsByte();
        return Vector256.Create(Width128.SumPairs(shorts.GetLower()), Width128.SumPairs(shorts.GetUpper()));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> MulPairs(Vector256<byte> a, Vector256<byte> b)
    {
        if (Avx2.IsSupported)
            return Avx2.MultiplyAddAdjacent(a.AsInt16(), b.AsInt16()).AsByte();
        return Vector256.Create(Width128.MulPairs(a.GetLower(), b.GetLower()), Width128.MulPairs(a.GetUpper(), b.GetUpper()));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> ShiftShorts(Vector256<byte> shorts, int bits) => (shorts.AsInt16() << bits).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> TwiceLow(Vector256<byte> pairs)
    {
        if (Avx2.IsSupported)
            return Avx2.Shuffle(pairs, Twice(0x05040504_01000100));
        return Vector256.Create(Width128.TwiceLow(pairs.GetLower()), Width128.TwiceLow(pairs.GetUpper()));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> TwiceHigh(Vector256<byte> pairs)
    {
        if (Avx2.IsSupported)
            return Avx2.Shuffle(pairs, Twice(0x07060706_03020302));
        return Vector256.Create(Width128.TwiceHigh(pairs.GetLower()), Width128.TwiceHigh(pairs.GetUpper()));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Lookup(ReadOnlySpan<sbyte> table, Vector256<byte> indices)
    {
        if (!Avx2.IsSupported)
            return Vector256.Create(Width128.Lookup(table, indices.GetLower()), Width128.Lookup(table, indices.GetUpper()));
        Vector128<byte> entries = Vector128.Create(table).AsByte();
        return Avx2.Shuffle(Vector256.Create(entries, entries), indices);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> LoadBytes(void* from)
    {
        if (Avx2.IsSupported)
            return Avx2.ConvertToVector256Int32(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<ulong>(from)).AsByte()).AsByte();
        return Vector256.Create(Width128.LoadBytes(from), Width128.LoadBytes((byte*)from + 4));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> LoadBytePairs(void* from)
    {
        if (Avx2.IsSupported)
            return Avx2.ConvertToVector256Int16(Vector128.Load((sbyte*)from)).AsByte();
        return Vector256.Create(Width128.LoadBytePairs(from), Width128.LoadBytePairs((byte*)from + 8));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> LoadShorts(void* from)
    {
        if (Avx2.IsSupported)
            return Avx2.ConvertToVector256Int32(Vector128.Load((short*)from)).AsByte();
        return Vector256.Create(Width128.LoadShorts(from), Width128.LoadShorts((byte*)from + 8));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreShorts(void* to, Vector256<byte> ints) =>
        Vector128.Narrow(ints.AsInt32().GetLower(), ints.AsInt32().GetUpper()).Store((short*)to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(void* to, Vector256<byte> ints)
    {
        Vector128<short> shorts = Vector128.Narrow(ints.AsInt32().GetLower(), ints.AsInt32().GetUpper());
        Unsafe.WriteUnaligned(to, Vector128.Narrow(shorts, shorts).AsUInt64().ToScalar());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int MaxAcross(Vector256<byte> ints) => Width128.MaxAcross(Width128.MaxInt(ints.GetLower(), ints.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int SumAcross(Vector256<byte> ints) => Vector256.Sum(ints.AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> Twice(ulong places) => Vector256.Create(places, places + 0x0808080808080808, places, places + 0x0808080808080808).AsByte();
}
