using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Swarm.Kernels.Codecs;

/// <summary>What a <see cref="StepCodec"/> sends as it is, bit behind bit from the lowest of the first byte on; and the classes beside it.</summary>
internal static unsafe class RawBits
{
    /// <summary>Values between two looks at the buffer: together they have at most 48 bits.</summary>
    private const int Group = 4;

    /// <summary>Bytes behind the last that <see cref="Write"/> may touch.</summary>
    public const int Slack = 16;

    /// <summary>Divides integers into classes and bits.</summary>
    /// <param name="quanta">The integers.</param>
    /// <param name="symbols">A class each.</param>
    /// <param name="raw">Takes the bits; what is behind the last is zero up to the byte's end.</param>
    /// <returns>Bits written.</returns>
    public static int Write(ReadOnlySpan<int> quanta, Span<byte> symbols, Span<byte> raw)
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
            for (; index + Group <= quanta.Length; index += Group)
            {
                Put(quantum[index], small, symbol + index, ref buffer, ref filled);
                Put(quantum[index + 1], small, symbol + index + 1, ref buffer, ref filled);
                Put(quantum[index + 2], small, symbol + index + 2, ref buffer, ref filled);
                Put(quantum[index + 3], small, symbol + index + 3, ref buffer, ref filled);
                Flush(ref next, ref buffer, ref filled);
            }

            for (; index < quanta.Length; index++)
            {
                Put(quantum[index], small, symbol + index, ref buffer, ref filled);
                Flush(ref next, ref buffer, ref filled);
            }

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
    /// <returns>Null, or what is wrong.</returns>
    public static string? Read(ReadOnlySpan<byte> symbols, ulong head, int headBits, ReadOnlySpan<byte> raw, Span<int> quanta)
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
            for (; index + Group <= quanta.Length && end - next >= sizeof(ulong); index += Group)
            {
                // What lies above the filled part is the same bits again.
                buffer |= Little(Unsafe.ReadUnaligned<ulong>(next)) << filled;
                next += (63 - filled) >> 3;
                filled |= 56;
                quantum[index] = Take(members[symbol[index]], ref buffer, ref filled);
                quantum[index + 1] = Take(members[symbol[index + 1]], ref buffer, ref filled);
                quantum[index + 2] = Take(members[symbol[index + 2]], ref buffer, ref filled);
                quantum[index + 3] = Take(members[symbol[index + 3]], ref buffer, ref filled);
            }

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
