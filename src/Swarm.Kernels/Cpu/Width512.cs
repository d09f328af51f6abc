using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Swarm.Kernels.Cpu;

/// <summary>512 bits: AVX-512 F and BW; elsewhere two halves, which is slow and serves tests.</summary>
internal readonly unsafe struct Width512 : IWidth<Vector512<byte>>
{
    public static CpuWidth Width => CpuWidth.Vector512;

    public static int Lanes => 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Load(void* from) => Vector512.Load((byte*)from);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(void* to, Vector512<byte> value) => value.Store((byte*)to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> All(float value) => Vector512.Create(value).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> AllInt(int value) => Vector512.Create(value).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Add(Vector512<byte> a, Vector512<byte> b) => (a.AsSingle() + b.AsSingle()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Sub(Vector512<byte> a, Vector512<byte> b) => (a.AsSingle() - b.AsSingle()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Mul(Vector512<byte> a, Vector512<byte> b) => (a.AsSingle() * b.AsSingle()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Less(Vector512<byte> a, Vector512<byte> b) => Vector512.LessThan(a.AsSingle(), b.AsSingle()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Same(Vector512<byte> a, Vector512<byte> b) => Vector512.Equals(a.AsSingle(), b.AsSingle()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> AddInt(Vector512<byte> a, Vector512<byte> b) => (a.AsInt32() + b.AsInt32()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> SubInt(Vector512<byte> a, Vector512<byte> b) => (a.AsInt32() - b.AsInt32()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> MaxInt(Vector512<byte> a, Vector512<byte> b) => Vector512.Max(a.AsInt32(), b.AsInt32()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> GreaterInt(Vector512<byte> a, Vector512<byte> b) => Vector512.GreaterThan(a.AsInt32(), b.AsInt32()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> EqualInt(Vector512<byte> a, Vector512<byte> b) => Vector512.Equals(a.AsInt32(), b.AsInt32()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> ShiftLeft(Vector512<byte> value, int bits) => (value.AsInt32() << bits).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> ShiftRight(Vector512<byte> value, int bits) => (value.AsInt32() >>> bits).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> And(Vector512<byte> a, Vector512<byte> b) => a & b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Or(Vector512<byte> a, Vector512<byte> b) => a | b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Select(Vector512<byte> mask, Vector512<byte> a, Vector512<byte> b) => Vector512.ConditionalSelect(mask, a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> ToFloat(Vector512<byte> ints) => Vector512.ConvertToSingle(ints.AsInt32()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> AddShort(Vector512<byte> a, Vector512<byte> b) => (a.AsInt16() + b.AsInt16()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> PairsUnsigned(Vector512<byte> w, Vector512<byte> x)
    {
        if (Avx512BW.IsSupported)
            return Avx512BW.MultiplyAddAdjacent(w, x.AsSByte()).AsByte();
        return Vector512.Create(Width256.PairsUnsigned(w.GetLower(), x.GetLower()), Width256.PairsUnsigned(w.GetUpper(), x.GetUpper()));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Magnitude(Vector512<byte> w) => Vector512.Abs(w.AsSByte()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> PairsSigned(Vector512<byte> w, Vector512<byte> magnitude, Vector512<byte> x)
    {
        // There is no 512-bit sign instruction: x is negated where w is negative; where w is 0 the product is 0 anyway.
        Vector512<sbyte> negative = Vector512.LessThan(w.AsSByte(), Vector512<sbyte>.Zero);
        Vector512<sbyte> signed = (x.AsSByte() ^ negative) - negative;
        if (Avx512BW.IsSupported)
            return Avx512BW.MultiplyAddAdjacent(magnitude, signed).AsByte();
        return Vector512.Create(Width256.PairsSigned(w.GetLower(), magnitude.GetLower(), x.GetLower()), Width256.PairsSigned(w.GetUpper(), magnitude.GetUpper(), x.GetUpper()));
    }

    /// <summary>.NET 10 has the instruction for 256 bits only; a processor that has it multiplies quantized weights at 256 bits.</summary>
    public static bool HasDot => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> DotUnsigned(Vector512<byte> sum, Vector512<byte> w, Vector512<byte> x) => AddInt(sum, SumPairs(PairsUnsigned(w, x)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> DotSigned(Vector512<byte> sum, Vector512<byte> w, Vector512<byte> magnitude, Vector512<byte> x) =>
        AddInt(sum, SumPairs(PairsSigned(w, magnitude, x)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> SumPairs(Vector512<byte> shorts)
    {
        if (Avx512BW.IsSupported)
            return Avx512BW.MultiplyAddAdjacent(shorts.AsInt16(), Vector512<short>.One).AsByte();
        return Vector512.Create(Width256.SumPairs(shorts.GetLower()), Width256.SumPairs(shorts.GetUpper()));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> MulPairs(Vector512<byte> a, Vector512<byte> b)
    {
        if (Avx512BW.IsSupported)
            return Avx512BW.MultiplyAddAdjacent(a.AsInt16(), b.AsInt16()).AsByte();
        return Vector512.Create(Width256.MulPairs(a.GetLower(), b.GetLower()), Width256.MulPairs(a.GetUpper(), b.GetUpper()));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> ShiftShorts(Vector512<byte> shorts, int bits) => (shorts.AsInt16() << bits).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> TwiceLow(Vector512<byte> pairs) => Vector512.Create(Width256.TwiceLow(pairs.GetLower()), Width256.TwiceLow(pairs.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> TwiceHigh(Vector512<byte> pairs) => Vector512.Create(Width256.TwiceHigh(pairs.GetLower()), Width256.TwiceHigh(pairs.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Lookup(ReadOnlySpan<sbyte> table, Vector512<byte> indices)
    {
        if (!Avx512BW.IsSupported)
            return Vector512.Create(Width256.Lookup(table, indices.GetLower()), Width256.Lookup(table, indices.GetUpper()));
        Vector128<byte> entries = Vector128.Create(table).AsByte();
        Vector256<byte> twice = Vector256.Create(entries, entries);
        return Avx512BW.Shuffle(Vector512.Create(twice, twice), indices);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> LoadBytes(void* from)
    {
        if (Avx512F.IsSupported)
            return Avx512F.ConvertToVector512Int32(Vector128.Load((byte*)from)).AsByte();
        return Vector512.Create(Width256.LoadBytes(from), Width256.LoadBytes((byte*)from + 8));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> LoadBytePairs(void* from)
    {
        if (Avx512BW.IsSupported)
            return Avx512BW.ConvertToVector512Int16(Vector256.Load((sbyte*)from)).AsByte();
        return Vector512.Create(Width256.LoadBytePairs(from), Width256.LoadBytePairs((byte*)from + 16));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> LoadShorts(void* from)
    {
        if (Avx512F.IsSupported)
            return Avx512F.ConvertToVector512Int32(Vector256.Load((short*)from)).AsByte();
        return Vector512.Create(Width256.LoadShorts(from), Width256.LoadShorts((byte*)from + 16));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreShorts(void* to, Vector512<byte> ints)
    {
        Width256.StoreShorts(to, ints.GetLower());
        Width256.StoreShorts((byte*)to + 16, ints.GetUpper());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(void* to, Vector512<byte> ints)
    {
        Width256.StoreBytes(to, ints.GetLower());
        Width256.StoreBytes((byte*)to + 8, ints.GetUpper());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int MaxAcross(Vector512<byte> ints) => Width256.MaxAcross(Width256.MaxInt(ints.GetLower(), ints.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int SumAcross(Vector512<byte> ints) => Width256.SumAcross(Width256.AddInt(ints.GetLower(), ints.GetUpper()));
}
