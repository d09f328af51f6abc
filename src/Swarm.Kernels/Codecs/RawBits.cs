using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Swarm.Kernels.Codecs;

/// <summary>What a <see cref="StepCodec"/> sends as it is, bit behind bit from the lowest of the first byte on; and the classes beside it.</summary>
internal static unsafe class RawBits
{
    /// <summary>Values between two looks at the buffer: together they have at most 48 bits.</summary>
    private const int Group = 4;

    /// <summary>Values that vectors take at once where all are below <see cref="StepClasses.Large"/>: together they have at most 48 bits.</summary>
    private const int Eight = 8;

    /// <summary>Bytes behind the last that <see cref="Write"/> may touch.</summary>
    public const int Slack = 16;

    /// <summary>Divides integers into classes and bits.</summary>
    /// <param name="quanta">The integers.</param>
    /// <param name="symbols">A class each.</param>
    /// <param name="raw">Takes the bits; what is behind the last is zero up to the byte's end.</param>
    /// <param name="vector">Whether on vectors where the processor has them.</param>
    /// <returns>Bits written.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Write(ReadOnlySpan<int> quanta, Span<byte> symbols, Span<byte> raw, bool vector)
    {
        fixed (ushort* small = StepClasses.Small)
        fixed (int* quantum = quanta)
        fixed (byte* symbol = symbols)
        fixed (byte* first = raw)
        {
            byte* next = first;
            ulong buffer = 0;
            int filled = 0;
            int index = 0;
            int eights = 0;
            while (index + Group <= quanta.Length)
            {
                if (Avx2.IsSupported && vector && index + Eight <= quanta.Length && PutEight(quantum + index, symbol + index, ref buffer, ref filled))
                {
                    Flush(ref next, ref buffer, ref filled);
                    index += Eight;
                    eights++;
                    continue;
                }

                Put(quantum[index], small, symbol + index, ref buffer, ref filled);
                Put(quantum[index + 1], small, symbol + index + 1, ref buffer, ref filled);
                Put(quantum[index + 2], small, symbol + index + 2, ref buffer, ref filled);
                Put(quantum[index + 3], small, symbol + index + 3, ref buffer, ref filled);
                Flush(ref next, ref buffer, ref filled);
                index += Group;
            }

            for (; index < quanta.Length; index++)
            {
                Put(quantum[index], small, symbol + index, ref buffer, ref filled);
                Flush(ref next, ref buffer, ref filled);
            }

            CodecCounters.Eights += eights;
            Unsafe.WriteUnaligned(next, Little(buffer));
            return (int)((next - first) * 8) + filled;
        }
    }

    /// <summary>Puts integers together again.</summary>
    /// <param name="symbols">Their classes.</param>
    /// <param name="head">The first bits.</param>
    /// <param name="headBits">How many, at most 48.</param>
    /// <param name="raw">All others.</param>
    /// <param name="quanta">The integers.</param>
    /// <param name="vector">Whether on vectors where the processor has them.</param>
    /// <returns>Null, or what is wrong.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static string? Read(ReadOnlySpan<byte> symbols, ulong head, int headBits, ReadOnlySpan<byte> raw, Span<int> quanta, bool vector)
    {
        fixed (ulong* members = StepClasses.Members)
        fixed (byte* symbol = symbols)
        fixed (int* quantum = quanta)
        fixed (byte* first = raw)
        {
            byte* next = first;
            byte* end = first + raw.Length;
            ulong buffer = head;
            int filled = headBits;
            int index = 0;
            int eights = 0;
            while (index + Group <= quanta.Length && end - next >= sizeof(ulong))
            {
                // What lies above the filled part is the same bits again.
                buffer |= Little(Unsafe.ReadUnaligned<ulong>(next)) << filled;
                next += (63 - filled) >> 3;
                filled |= 56;
                if (Avx2.IsSupported && vector && index + Eight <= quanta.Length && TakeEight(symbol + index, quantum + index, ref buffer, ref filled))
                {
                    index += Eight;
                    eights++;
                    continue;
                }

                quantum[index] = Take(members[symbol[index]], ref buffer, ref filled);
                quantum[index + 1] = Take(members[symbol[index + 1]], ref buffer, ref filled);
                quantum[index + 2] = Take(members[symbol[index + 2]], ref buffer, ref filled);
                quantum[index + 3] = Take(members[symbol[index + 3]], ref buffer, ref filled);
                index += Group;
            }

            CodecCounters.Eights += eights;

            buffer &= filled == 0 ? 0 : ulong.MaxValue >> (64 - filled);
            for (; index < quanta.Length; index++)
            {
                for (; filled <= 48 && next < end; filled += 8)
                    buffer |= (ulong)*next++ << filled;
                quantum[index] = Take(members[symbol[index]], ref buffer, ref filled);
                if (filled < 0)
                    return $"value {index} has {-filled} bits fewer than its class asks for";
            }

            int left = filled + ((int)(end - next) * 8);
            if (raw.Length > 0 && left >= 8)
                return $"{left} bits are left, expected fewer than 8";
            return buffer == 0 ? null : "the last byte's unused bits are not 0";
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(int quantum, ushort* small, byte* symbol, ref ulong buffer, ref int filled)
    {
        uint sign = (uint)quantum >> 31;
        uint magnitude = ((uint)quantum ^ (0 - sign)) + sign;
        if (magnitude >= StepClasses.Large)
        {
            (int large, uint bits, int count) = StepClasses.OfLarge(magnitude, sign);
            *symbol = (byte)large;
            buffer |= (ulong)bits << filled;
            filled += count;
            return;
        }

        uint member = small[magnitude];
        *symbol = (byte)member;
        int length = (int)(member >> 8);
        buffer |= (ulong)(((magnitude << 1) | sign) & ((1u << length) - 1)) << filled;
        filled += length;
    }

    // False, and nothing is done, where one is large. A magnitude from 8 on as a float has its class in its upper 12 bits: octave and the three bits below the highest.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool PutEight(int* quantum, byte* symbol, ref ulong buffer, ref int filled)
    {
        Vector256<int> values = Vector256.Load(quantum);
        Vector256<int> magnitudes = Vector256.Abs(values);
        if (Vector256.GreaterThanAny(magnitudes, Vector256.Create(StepClasses.Large - 1)))
            return false;
        Vector256<int> octaves = (Vector256.ConvertToSingle(magnitudes).AsInt32() >> 20) - Vector256.Create((127 + 2) << 3);
        Vector256<int> classes = Vector256.ConditionalSelect(Vector256.LessThan(magnitudes, Vector256.Create(Eight)), magnitudes, octaves);
        Vector128<short> halves = Sse2.PackSignedSaturate(classes.GetLower(), classes.GetUpper());
        Unsafe.WriteUnaligned(symbol, Sse2.PackUnsignedSaturate(halves, halves).AsUInt64().ToScalar());

        // Two by two in each 64 bits, these two by two in each 128, and the two that are left.
        Vector256<int> counts = Counts(classes);
        Vector256<int> above = Avx2.ShiftLeftLogicalVariable(Vector256<int>.AllBitsSet, counts.AsUInt32());
        Vector256<ulong> bits = Vector256.AndNot((magnitudes << 1) | (values >>> 31), above).AsUInt64();
        Vector256<ulong> lengths = counts.AsUInt64();
        Vector256<ulong> low = Vector256.Create((ulong)uint.MaxValue);
        bits = (bits & low) | Avx2.ShiftLeftLogicalVariable(bits >>> 32, lengths & low);
        lengths = (lengths & low) + (lengths >>> 32);
        bits |= Avx2.ShiftLeftLogicalVariable(Avx2.ShiftRightLogical128BitLane(bits, 8), lengths);
        lengths += Avx2.ShiftRightLogical128BitLane(lengths, 8);
        int lower = (int)lengths.ToScalar();
        buffer |= (bits.ToScalar() | (bits.GetUpper().ToScalar() << lower)) << filled;
        filled += lower + (int)lengths.GetUpper().ToScalar();
        return true;
    }

    // False, and nothing is done, where one is large.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TakeEight(byte* symbol, int* quantum, ref ulong buffer, ref int filled)
    {
        Vector256<int> classes = Avx2.ConvertToVector256Int32(symbol);
        if (Vector256.GreaterThanAny(classes, Vector256.Create(StepClasses.FirstLarge - 1)))
            return false;
        Vector256<int> counts = Counts(classes);
        Vector256<int> ends = counts + Avx2.ShiftLeftLogical128BitLane(counts, 4);
        ends += Avx2.ShiftLeftLogical128BitLane(ends, 8);
        int lower = ends.GetElement(3);
        int upper = ends.GetElement(7);
        Vector256<int> window = Vector256.Create(Vector128.Create((int)buffer), Vector128.Create((int)(buffer >> lower)));
        buffer = buffer >> lower >> upper;
        filled -= lower + upper;
        Vector256<int> above = Avx2.ShiftLeftLogicalVariable(Vector256<int>.AllBitsSet, counts.AsUInt32());
        Vector256<int> bits = Vector256.AndNot(Avx2.ShiftRightLogicalVariable(window, (ends - counts).AsUInt32()), above);
        Vector256<int> leading = Vector256.Min(classes, (classes & Vector256.Create(7)) | Vector256.Create(8));
        Vector256<int> magnitudes = Avx2.ShiftLeftLogicalVariable(leading, (counts - Vector256<int>.One).AsUInt32()) + (bits >>> 1);
        Vector256<int> signs = -(bits & Vector256<int>.One);
        ((magnitudes ^ signs) - signs).Store(quantum);
        return true;
    }

    // Raw bits of classes that are not large: none in class 0, the sign's up to 15, one more in each octave.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Counts(Vector256<int> classes) => Vector256.Max(classes >> 3, Vector256.Min(classes, Vector256<int>.One));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Flush(ref byte* next, ref ulong buffer, ref int filled)
    {
        Unsafe.WriteUnaligned(next, Little(buffer));
        next += filled >> 3;
        buffer >>= filled & 0x38;
        filled &= 7;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Take(ulong member, ref ulong buffer, ref int filled)
    {
        int count = (int)(member & 0xFF);
        uint bits = (uint)buffer & ((1u << count) - 1);
        buffer >>= count;
        filled -= count;
        int sign = -(int)(bits & 1);
        int magnitude = (int)(member >> 32) + (int)((bits >> 1) << (int)(member >> 8));
        return (magnitude ^ sign) - sign;
    }

    private static ulong Little(ulong value) => BitConverter.IsLittleEndian ? value : BinaryPrimitives.ReverseEndianness(value);
}
